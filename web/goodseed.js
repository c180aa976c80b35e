/** The pack's door to ComfyUI's front end: the sidebar tab, its commands, keys, menus and settings. */

import { createRoutes } from './panel/api.js'
import { linkStyles } from './panel/dom.js'
import * as host from './panel/host.js'
import { createModel, placeInBatch } from './panel/model.js'
import { createPanel } from './panel/panel.js'
import { createWords } from './panel/words.js'

/** @typedef {import('./panel/types').Which} Which */

const SHOW = 'GoodSeed.Compare.OnlyDifferences'
const FOLLOW = 'GoodSeed.Compare.FollowRuns'
const AS = { a: 'GoodSeed.Compare.AsA', b: 'GoodSeed.Compare.AsB' }

/** @type {Record<string, any>} */
let messages = {}
let t = createWords(messages, 'en')
let spoken = ''
/** @type {ReturnType<typeof createPanel> | null} */
let panel = null

const routes = createRoutes(host.fetchApi)
const model = createModel(routes, () => t)

/** Returns the panel, made anew where the host's language changed; what lies in it stays. */
function currentPanel() {
  if (panel && spoken === host.language()) return panel
  panel?.destroy()
  spoken = host.language()
  t = createWords(messages, spoken)
  panel = createPanel({ host, routes, model, t, onlyDifferences: host.setting(SHOW) !== false })
  return panel
}

/** The host calls this again whenever it draws the tab. @param {HTMLElement} element */
function render(element) {
  const { element: root, offer, focus } = currentPanel()
  if (root.parentElement !== element) {
    element.classList.add('gs-tab-host')
    element.replaceChildren(root)
    if (host.isFocusFree()) focus()
  }
  offer()
}

/** Puts the picture of a node, or of the selected one, into a place. @param {Which} which @param {ComfyNode} [node] */
async function compareAs(which, node) {
  const ref = node ? host.pictureOf(node) : host.selectedPicture()
  if (!ref) {
    host.toast('info', t('menu.noPicture'))
    return
  }
  await host.openTab()
  await currentPanel().put(which, ref)
}

/** @param {'setToA' | 'verify'} act */
async function inPanel(act) {
  await host.openTab()
  await currentPanel()[act]()
}

/** Puts what a run saved into B, where the user wishes it and the tab is open. @param {{prompt_id?: string}} detail */
async function follow({ prompt_id: id }) {
  if (!id || !host.setting(FOLLOW) || !panel?.element.isConnected) return
  const ref = await host.pictureOfRun(id, placeInBatch(model.state.a))
  if (ref) await panel.put('b', ref)
}

const COMMANDS = [
  { id: AS.a, label: 'Compare: as A', icon: 'gs-icon-a', function: () => compareAs('a') },
  { id: AS.b, label: 'Compare: as B', icon: 'gs-icon-b', function: () => compareAs('b') },
  {
    id: 'GoodSeed.Compare.Swap',
    label: 'Compare: swap A and B',
    icon: 'pi pi-arrow-right-arrow-left',
    function: () => model.swap()
  },
  {
    id: 'GoodSeed.Compare.SetToA',
    label: "Compare: set the graph to A's values",
    icon: 'pi pi-check-square',
    function: () => inPanel('setToA')
  },
  {
    id: 'GoodSeed.Compare.Verify',
    label: 'Compare: run B again',
    icon: 'pi pi-replay',
    function: () => inPanel('verify')
  }
]

host.register({
  name: 'GoodSeed.Compare',
  commands: COMMANDS,
  menuCommands: [{ path: ['Extensions', 'Good Seed'], commands: COMMANDS.map(({ id }) => id) }],
  keybindings: [
    { combo: { key: 'g' }, commandId: `Workspace.ToggleSidebarTab.${host.TAB}` },
    { combo: { key: 'a', shift: true }, commandId: AS.a },
    { combo: { key: 'b', shift: true }, commandId: AS.b }
  ],
  settings: [
    {
      id: FOLLOW,
      name: 'After each run, put the saved picture into B',
      tooltip: 'While the Good Seed tab is open.',
      category: ['Good Seed', 'Compare', 'Follow'],
      type: 'boolean',
      defaultValue: false
    },
    {
      id: SHOW,
      name: 'Show only values that differ at first',
      tooltip: 'The tab can show all values at any time.',
      category: ['Good Seed', 'Compare', 'Show'],
      type: 'boolean',
      defaultValue: true
    }
  ],

  async setup() {
    linkStyles('frame', 'places', 'verdict', 'answers', 'actions')
    host.listen('goodseed.verify', (job) => panel?.job(job))
    host.listen('execution_success', follow)
    host.listen('graphChanged', () => panel?.element.isConnected && panel.offer())
    messages = await host.messages()
    t = createWords(messages, host.language())
    host.registerTab({
      id: host.TAB,
      icon: 'gs-icon-tab',
      title: 'Good Seed',
      tooltip: t('tab.tooltip'),
      type: 'custom',
      render,
      destroy: () => panel?.element.remove()
    })
  },

  afterConfigureGraph: () => panel?.offer(),

  getNodeMenuItems: (node) =>
    host.pictureOf(node)
      ? [
          { content: t('menu.as.a'), callback: () => void compareAs('a', node) },
          { content: t('menu.as.b'), callback: () => void compareAs('b', node) }
        ]
      : [],

  getSelectionToolboxCommands: (item) => {
    const node = /** @type {ComfyNode} */ (item)
    return !host.hasNodeMenu() && node.widgets && host.pictureOf(node) ? Object.values(AS) : []
  }
})
