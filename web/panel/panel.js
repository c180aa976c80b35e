/** The sidebar tab: the places, the verdict, the ladder, the causes, the pictures, the values, and what can be done. */

import { createActions } from './actions.js'
import { RouteError } from './api.js'
import { createCauses } from './causes.js'
import { chooseChanges } from './changes.js'
import { choose } from './chooser.js'
import { button, el, fill, icon } from './dom.js'
import { takeDrops } from './drop.js'
import { createFacts } from './facts.js'
import { createLadder } from './ladder.js'
import { placeInBatch } from './model.js'
import { createOffers } from './offers.js'
import { createPictures } from './pictures.js'
import { copyText, saveText } from './save.js'
import { createSlots } from './slots.js'
import { tabs } from './tabs.js'
import { createValues } from './values.js'
import { createVerdict, headline } from './verdict.js'
import { createVerify } from './verify.js'

/**
 * @typedef {import('./types').Cause} Cause
 * @typedef {import('./types').Change} Change
 * @typedef {import('./types').FileRef} FileRef
 * @typedef {import('./types').Picture} Picture
 * @typedef {import('./types').Slot} Slot
 * @typedef {import('./types').State} State
 * @typedef {import('./types').Which} Which
 * @typedef {import('./types').Words} Words
 * @typedef {ReturnType<typeof import('./api.js').createRoutes>} Routes
 * @typedef {ReturnType<typeof import('./model.js').createModel>} Model
 * @typedef {typeof import('./host.js')} Host
 */

/**
 * @param {{host: Host, routes: Routes, model: Model, t: Words, onlyDifferences: boolean}} parts
 */
export function createPanel({ host, routes, model, t, onlyDifferences }) {
  const live = el('div', { class: 'gs-unseen', attr: { role: 'status', 'aria-live': 'polite' } })
  const root = el('div', { class: 'gs-panel', attr: { role: 'region', 'aria-label': 'Good Seed', lang: t('lang') } })
  const slots = createSlots(t, { choose: chooseFor, clear: (which) => model.clear(which), open: openWorkflow, swap: () => model.swap() })
  const offers = createOffers(t, { take: put, url: (ref) => host.viewUrl(ref, true) })
  const verdict = createVerdict(t)
  const ladder = createLadder(t)
  const facts = createFacts(t)
  const causes = createCauses(t, { set: (cause) => setToA(cause) })
  const pictures = createPictures(t)
  const values = createValues(t, onlyDifferences)
  const verify = createVerify(t, (picture) => routes.verify(picture, host.clientId()), routes, say)
  const done = el('section', { class: 'gs-section gs-done', attr: { 'aria-label': t('done.title'), tabindex: -1 } })
  const actions = createActions(t, {
    set: () => setToA(null),
    verify: verifyB,
    copy: () => report('markdown'),
    save: () => report('html')
  })
  const pages = tabs(
    [
      { name: t('page.causes', { count: 0 }), element: el('div', 'gs-page', causes.element) },
      { name: t('page.pictures'), element: el('div', 'gs-page', pictures.element), show: showPictures },
      { name: t('page.values'), element: el('div', 'gs-page', values.element), show: () => values.show() }
    ],
    t('page.title')
  )
  const intro = el('p', { class: 'gs-intro', text: t('intro') })
  add()

  /** @type {import('./types').Comparison | null} */
  let shown = null
  let pair = ''
  /** @type {Picture | null} */
  let ran = null

  function add() {
    done.hidden = true
    pages.element.hidden = true
    fill(
      root,
      el('h2', { class: 'gs-heading', text: t('title') }),
      el('div', 'gs-scroll', slots.element, intro, offers.element, verdict.element, done, verify.element, ladder.element, facts.element, pages.element),
      actions.element,
      live
    )
    takeDrops(root, { files: takeFiles, address: takeAddress })
  }

  /** @param {string} text to screen readers */
  function say(text) {
    live.textContent = ''
    requestAnimationFrame(() => (live.textContent = text))
  }

  /** @param {State} state */
  function update(state) {
    const { a, b, comparison } = state
    slots.update(state)
    verdict.update(state)
    actions.update(state, verify.isRunning())
    intro.hidden = a.picture !== null || b.picture !== null
    facts.update(comparison || (a.picture && b.picture) ? null : (a.side ?? b.side))
    offer()
    if (b.picture !== ran) {
      ran = b.picture
      if (!verify.isRunning()) verify.hide()
      done.hidden = true
    }
    if (comparison === shown) return
    shown = comparison
    ladder.update(comparison)
    causes.update(comparison)
    values.update(comparison)
    pages.element.hidden = !comparison
    pages.rename(0, t('page.causes', { count: comparison?.causes.length ?? 0 }))
    if (!comparison) return
    pages.refresh()
    const { title, line } = headline(comparison, t)
    say([title, line, comparison.causes[0]?.why ?? ''].join(' '))
  }

  function offer() {
    const { a, b } = model.state
    const wanted = !a.picture || !b.picture
    offers.update(wanted ? host.loadedPictures() : [], wanted)
  }

  function showPictures() {
    const { a, b, comparison } = model.state
    if (!comparison || !a.picture || !b.picture) return
    const [first, second] = [a.picture, b.picture]
    const now = `${first.url} ${second.url}`
    if (now === pair) return
    pair = now
    pictures.show(sourceOf(a), sourceOf(b), comparison.pixels, () => routes.heat(first, second))
  }

  /** @param {Which} which */
  function chooseFor(which) {
    choose(root, which, t, {
      sources: {
        graph: async () => host.loadedPictures().map(({ ref }) => ref),
        outputs: routes.outputs,
        history: host.historyPictures
      },
      url: (ref) => host.viewUrl(ref, true),
      takeRef: (ref) => put(which, ref),
      takeFile: (file) => takeFiles([file], which)
    })
  }

  /** @param {Which} which @param {FileRef} ref */
  function put(which, ref) {
    return model.set({ [which]: { name: ref.filename, source: { ref }, url: host.viewUrl(ref) } })
  }

  /** Two files fill both places; one goes where it was dropped, else where room is. @param {File[]} files @param {Which | null} which */
  function takeFiles(files, which) {
    const [first, second] = files.map((file) => ({ name: file.name, source: { file }, url: URL.createObjectURL(file) }))
    return model.set(second ? { a: first, b: second } : { [which ?? free()]: first })
  }

  /** @param {string} address @param {Which | null} which */
  function takeAddress(address, which) {
    const ref = host.refOfUrl(address)
    if (ref) put(which ?? free(), ref)
    return ref !== null
  }

  const free = () => (model.state.a.picture ? 'b' : 'a')

  /** Does what may be refused; the refusal is shown over the page. @param {() => Promise<void>} work */
  async function guarded(work) {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof RouteError)) throw error
      host.toast('error', error.message)
      say(error.message)
    }
  }

  /** @param {Which} which */
  function openWorkflow(which) {
    const { picture } = model.state[which]
    if (picture) guarded(async () => host.openWorkflow(await routes.workflow(picture), picture.name))
  }

  /** Shows what would be set in the graph: all, or what one cause asks for. @param {Cause | null} cause */
  function setToA(cause) {
    const { picture } = model.state.a
    if (!picture) return
    guarded(async () => {
      const found = await routes.changes(picture, await host.promptOfGraph())
      chooseChanges(root, found, t, {
        wanted: (change) => cause === null || change.id === cause.id,
        why: forbidden,
        set: (chosen) => guarded(() => apply(chosen))
      })
    })
  }

  /** @param {Change} change */
  function forbidden({ node, input, to }) {
    const place = host.widgetAt(node, input)
    if (!place) return t('changes.noWidget')
    return host.takes(place.widget, to) ? '' : t('changes.notOffered')
  }

  /** @param {Change[]} chosen */
  async function apply(chosen) {
    host.setValues(chosen)
    const graph = await host.promptOfGraph()
    const left = chosen.filter(({ node, input, to }) => graph[node]?.inputs[input] !== to)
    const text = t('done.set', { count: chosen.length - left.length })
    const notTaken = left.map(({ title, input }) => `${title} · ${input}`).join(', ')
    const again = button({ label: t('done.run'), icon: 'run', class: 'gs-button gs-primary', click: () => guarded(run) })
    const undo = button({ label: t('done.undo'), icon: 'undo', click: () => guarded(takeBack) })
    fill(
      done,
      el('div', 'gs-answer gs-is-same', icon('same'), el('strong', { text })),
      notTaken ? el('p', { class: 'gs-error', text: t('done.left', { names: notTaken }) }) : null,
      el('div', 'gs-row', again, undo)
    )
    done.hidden = false
    again.focus()
    say(text)
  }

  async function takeBack() {
    await host.undo()
    done.hidden = true
    say(t('done.undone'))
    slots.focus('b')
  }

  /** Runs the graph and puts what it saves into B. */
  async function run() {
    const stop = new AbortController()
    const cancel = button({ label: t('done.stop'), click: () => stop.abort() })
    fill(done, el('div', 'gs-answer', el('span', 'gs-spinner'), el('strong', { text: t('done.running') })), el('div', 'gs-row', cancel))
    cancel.focus()
    say(t('done.running'))
    const ref = await host.runGraph(stop.signal, placeInBatch(model.state.a))
    if (ref) {
      slots.focus('b')
      await put('b', ref)
    } else {
      done.hidden = true
      slots.focus('b')
    }
    if (!ref && !stop.signal.aborted) {
      host.toast('error', t('done.noPicture'))
    }
  }

  async function verifyB() {
    const { picture } = model.state.b
    if (!picture) return
    const running = verify.start(picture)
    actions.update(model.state, true)
    await running
  }

  /** @param {'markdown' | 'html'} format */
  function report(format) {
    const { a, b } = model.state
    if (!a.picture || !b.picture) return
    const [first, second] = [a.picture, b.picture]
    guarded(async () => {
      const { text, filename } = await routes.report(first, second, format)
      if (format === 'html') saveText(text, filename)
      else host.toast('success', t((await copyText(text, root)) ? 'actions.copied' : 'actions.notCopied'))
    })
  }

  const stop = model.watch(update)
  return {
    element: root,
    offer,
    put,
    focus: () => slots.focus('a'),
    setToA: () => setToA(null),
    verify: verifyB,

    /** @param {import('./types').Job} job as the server tells it by itself */
    job(job) {
      verify.take(job)
      actions.update(model.state, verify.isRunning())
    },

    destroy() {
      stop()
      pictures.destroy()
      root.remove()
    }
  }
}

/** @param {Slot} slot */
function sourceOf({ picture, side }) {
  if (!picture || !side) return null
  return { url: picture.url, name: picture.name, width: side.width, height: side.height, pixels_sha256: side.pixels_sha256 }
}
