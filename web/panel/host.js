/** All that the panel uses of ComfyUI's front end, from 1.27.10 on; no other file of ours touches it. */

import { api } from '../../../scripts/api.js'
import { app } from '../../../scripts/app.js'
import { parse } from './api.js'

/** @typedef {import('./types').FileRef} FileRef */

export const TAB = 'goodseed'
const TYPES = ['input', 'output', 'temp']
const PICTURE_FILE = /\.(png|jpe?g|webp|avif|gif|bmp|tiff?)$/i

/** @param {ComfyExtension} extension */
export const register = (extension) => app.registerExtension(extension)

/** @param {ComfySidebarTab} tab */
export const registerTab = (tab) => app.extensionManager.registerSidebarTab(tab)

/** Returns the name under which the server knows this page. */
export const clientId = () => api.clientId ?? ''

/** Opens the sidebar tab; nothing where it is open. */
export async function openTab() {
  if (app.extensionManager.sidebarTab.activeSidebarTabId !== TAB) {
    await app.extensionManager.command.execute(`Workspace.ToggleSidebarTab.${TAB}`)
  }
}

/** Says whether nothing but the canvas has the focus, as after a key of the host's. */
export const isFocusFree = () =>
  [null, document.body, document.getElementById('graph-canvas')].includes(/** @type {any} */ (document.activeElement))

/** Says whether the host asks extensions for the items of a node's menu; 1.27 does not. */
export const hasNodeMenu = () => typeof app.collectNodeMenuItems === 'function'

/** @param {string} route @param {RequestInit} [options] */
export const fetchApi = (route, options) => api.fetchApi(route, options)

/** @param {string} id */
export const setting = (id) => app.extensionManager.setting.get(id)

/** Returns the language of the host's menus, as en or zh-TW. */
export const language = () => String(setting('Comfy.Locale') ?? 'en')

/** Returns the texts of all packs, by language. */
export async function messages() {
  const response = await api.fetchApi('/i18n')
  return response.ok ? response.json() : {}
}

/**
 * Shows a short message over the page.
 * @param {ToastKind} kind
 * @param {string} text
 */
export function toast(kind, text) {
  const { toast: shown } = app.extensionManager
  if (shown[kind]) shown[kind](text, { duration: 4000 })
  else shown.add?.({ severity: kind, summary: text, life: 4000 })
}

/**
 * Calls a function at each event of the host; a handler must be there before the server sends an event of ours.
 * @param {string} name
 * @param {(detail: any) => void} handler
 */
export function listen(name, handler) {
  api.addEventListener(name, (event) => handler(/** @type {CustomEvent} */ (event).detail))
}

/**
 * Returns the address of a picture on the server; `small` asks for fewer bytes.
 * @param {FileRef} ref
 * @param {boolean} [small]
 */
export function viewUrl({ filename, subfolder, type }, small = false) {
  const query = new URLSearchParams({ filename, subfolder, type })
  query.set(small ? 'preview' : 'seen', small ? 'webp;60' : String(Date.now()))
  return api.apiURL(`/view?${query}`)
}

/**
 * Returns the file that an address of ComfyUI's /view shows, or null.
 * @param {string} address
 * @returns {FileRef | null}
 */
export function refOfUrl(address) {
  if (!URL.canParse(address, location.href)) return null
  const url = new URL(address, location.href)
  if (url.origin !== location.origin || !url.pathname.endsWith('/view')) return null
  return asRef(Object.fromEntries(url.searchParams))
}

/** @param {unknown} said @returns {FileRef | null} */
function asRef(said) {
  const { filename, subfolder = '', type = 'output' } = /** @type {Record<string, unknown>} */ (said ?? {})
  if (typeof filename !== 'string' || typeof subfolder !== 'string' || !TYPES.includes(String(type))) return null
  return PICTURE_FILE.test(filename) ? { filename, subfolder, type: /** @type {FileRef['type']} */ (type) } : null
}

/** @param {readonly unknown[] | undefined} list */
const refsOf = (list) => (list ?? []).map(asRef).filter((ref) => ref !== null)

const rootGraph = () => app.rootGraph ?? app.graph

/** @param {ComfyGraph} graph @returns {ComfyNode[]} */
const allNodes = (graph) => graph.nodes.flatMap((node) => [node, ...(node.subgraph ? allNodes(node.subgraph) : [])])

/**
 * Returns the file of the picture that a node shows, or null.
 * @param {ComfyNode} node
 */
export function pictureOf(node) {
  if (node.previewMediaType === 'video') return null
  const place = node.imageIndex ?? node.overIndex ?? 0
  const shown = (node.imgs ?? []).map((image) => refOfUrl(image.src))
  const said = refsOf(node.images ?? outputOf(node)?.images)
  return shown[place] ?? said[place] ?? shown[0] ?? said[0] ?? loadedBy(node)
}

/** @param {ComfyNode} node */
function outputOf(node) {
  const inside = /** @type {{id?: string} | undefined} */ (node.graph)?.id
  return app.nodeOutputs[`${node.id}`] ?? app.nodeOutputs[`${inside}:${node.id}`]
}

/** @param {ComfyNode} node @returns {FileRef | null} */
function loadedBy(node) {
  const value = node.widgets?.find((widget) => widget.name === 'image')?.value
  const parts = typeof value === 'string' ? /^(?:(.*)\/)?([^/]+?)(?: \[(input|output|temp)\])?$/.exec(value) : null
  return parts && asRef({ filename: parts[2], subfolder: parts[1] ?? '', type: parts[3] ?? 'input' })
}

/** Returns the pictures that the graph loads, each with the title of its node. */
export function loadedPictures() {
  return allNodes(rootGraph()).flatMap((node) => {
    const ref = loadedBy(node)
    return ref ? [{ title: node.title, ref }] : []
  })
}

/** Returns the picture of the selected node, or null. */
export function selectedPicture() {
  const nodes = Object.values(app.canvas.selected_nodes ?? {})
  return nodes.map(pictureOf).find((ref) => ref !== null) ?? null
}

/** Returns the pictures of what ran lately, the newest first. */
export async function historyPictures() {
  const response = await api.fetchApi('/history?max_items=64')
  return Object.values(await response.json())
    .reverse()
    .flatMap(picturesOfRun)
}

/** @param {any} entry one run of /history */
const picturesOfRun = (entry) =>
  Object.values(entry?.outputs ?? {}).flatMap((output) => refsOf(/** @type {any} */ (output)?.images))

/**
 * Opens a graph in a new tab of the canvas: the workflow where there is one, or the graph that ran.
 * @param {{workflow: unknown, prompt: unknown}} saved
 * @param {string} name
 */
export async function openWorkflow({ workflow, prompt }, name) {
  const title = name.replace(/\.[^.]+$/, '')
  if (workflow) await app.loadGraphData(workflow, true, true, title)
  else await app.loadApiJson(prompt, title)
}

/** Returns the graph on the canvas as it would be queued. */
export async function promptOfGraph() {
  return (await app.graphToPrompt()).output
}

/**
 * @typedef {object} Place
 * @property {ComfyNode} node
 * @property {ComfyWidget} widget
 */

/**
 * Returns the widget that gives a node's input its value: its own, or that of a subgraph or primitive above; or null.
 * @param {string} path the node's id, with those of the subgraphs that it is in, as 101:112
 * @param {string} input
 * @returns {Place | null}
 */
export function widgetAt(path, input) {
  /** @type {ComfyNode[]} */
  const chain = []
  /** @type {ComfyGraph | undefined} */
  let graph = rootGraph()
  for (const id of path.split(':')) {
    /** @type {ComfyNode | undefined} */
    const node = graph?.nodes.find((candidate) => String(candidate.id) === id)
    if (!node) return null
    chain.push(node)
    graph = node.subgraph
  }
  return widgetOf(chain, input)
}

/** @param {ComfyNode[]} chain @param {string} input @returns {Place | null} */
function widgetOf(chain, input) {
  const node = chain[chain.length - 1]
  const parent = chain[chain.length - 2]
  const graph = parent?.subgraph ?? rootGraph()
  const slot = node.inputs?.findIndex(({ name, widget }) => (widget?.name ?? name) === input) ?? -1
  const link = slot < 0 ? null : node.getInputLink(slot)
  if (link && parent && Number(link.origin_id) < 0) {
    const name = graph.inputs?.[link.origin_slot]?.name
    return name === undefined ? null : widgetOf(chain.slice(0, -1), name)
  }
  const source = link && graph.nodes.find((candidate) => candidate.id === link.origin_id)
  if (source && source.type !== 'PrimitiveNode') return null
  const owner = source ?? node
  const widget = source ? source.widgets?.[0] : node.widgets?.find((candidate) => candidate.name === input)
  return widget ? { node: owner, widget } : null
}

/**
 * Says whether a widget takes a value: a list takes only what it offers.
 * @param {ComfyWidget} widget
 * @param {unknown} value
 */
export function takes(widget, value) {
  const values = widget.options?.values
  const offered = typeof values === 'function' ? values(widget) : values
  if (typeof widget.value === 'number' && typeof value !== 'number') return false
  return !Array.isArray(offered) || offered.includes(value)
}

/**
 * Sets widgets as one step of the host's undo. A seed is kept from changing by itself after the next run.
 * @param {{node: string, input: string, to: unknown}[]} changes
 */
export function setValues(changes) {
  app.canvas.emitBeforeChange?.()
  try {
    for (const { node, input, to } of changes) {
      const place = widgetAt(node, input)
      if (!place) continue
      setWidget(place, to)
      const control = place.widget.linkedWidgets?.find(({ name }) => name === 'control_after_generate')
      if (control) setWidget({ node: place.node, widget: control }, 'fixed')
    }
  } finally {
    app.canvas.emitAfterChange?.()
  }
  app.graph.setDirtyCanvas(true, true)
}

/** @param {Place} place @param {unknown} value */
function setWidget({ node, widget }, value) {
  const old = widget.value
  widget.value = value
  widget.callback?.(value, app.canvas, node)
  node.onWidgetChanged?.(widget.name, value, old, widget)
}

export const undo = () => app.extensionManager.command.execute('Comfy.Undo')

/**
 * Queues the graph on the canvas as the host does, and returns the picture that it saves at a place of the batch.
 * @param {AbortSignal} signal
 * @param {number} place
 * @returns {Promise<FileRef | null>} null where it was not queued: the host says why
 */
export async function runGraph(signal, place) {
  const before = new Set(await runIds())
  await app.queuePrompt(0)
  const id = (await runIds()).find((known) => !before.has(known))
  while (id && !signal.aborted) {
    const entry = await run(id)
    if (entry?.status?.completed !== undefined) return savedBy(entry, place)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  return null
}

/** Returns the ids of our runs that wait, go on or are done lately. */
async function runIds() {
  const [queue, history] = await Promise.all(
    ['/queue', '/history?max_items=16'].map(async (route) => (await api.fetchApi(route)).json())
  )
  const entries = [
    ...queue.queue_running,
    ...queue.queue_pending,
    ...Object.values(history).map(({ prompt }) => prompt)
  ]
  return entries.filter((entry) => entry[3]?.client_id === api.clientId).map((entry) => String(entry[1]))
}

/** @param {string} id */
const run = async (id) => parse(await (await api.fetchApi(`/history/${encodeURIComponent(id)}`)).text())[id]

/** @param {any} entry @param {number} place */
function savedBy(entry, place) {
  const found = picturesOfRun(entry)
  const saved = found.filter(({ type }) => type === 'output')
  return saved[place] ?? saved[0] ?? found[place] ?? found[0] ?? null
}

/**
 * Returns the picture that a run saved at a place of its batch, or null.
 * @param {string} id
 * @param {number} place
 */
export const pictureOfRun = async (id, place) => savedBy(await run(id), place)
