/** The sidebar tab: the places, the verdict, the ladder, the causes, the pictures, the values, and what can be done. */

import { createActions } from './actions.js'
import { RouteError } from './api.js'
import { createCauses } from './causes.js'
import { el, fill } from './dom.js'
import { createFacts } from './facts.js'
import { createIntake } from './intake.js'
import { createLadder } from './ladder.js'
import { createMend } from './mend.js'
import { createOffers } from './offers.js'
import { createPictures } from './pictures.js'
import { copyText, saveText } from './save.js'
import { createSlots } from './slots.js'
import { tabs } from './tabs.js'
import { createValues } from './values.js'
import { createVerdict, headline } from './verdict.js'
import { createVerify } from './verify.js'

/**
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
 * @typedef {object} Parts
 * @property {Host} host
 * @property {Routes} routes
 * @property {Model} model
 * @property {Words} t
 * @property {boolean} onlyDifferences which values are shown at first
 */

/**
 * @param {Parts} parts
 */
export function createPanel(parts) {
  const { host, routes, model, t, onlyDifferences } = parts
  const live = el('div', { class: 'gs-unseen', attr: { role: 'status', 'aria-live': 'polite' } })
  const root = el('div', { class: 'gs-panel', attr: { role: 'region', 'aria-label': 'Good Seed', lang: t('lang') } })
  const intake = createIntake(root, parts)
  const slots = createSlots(t, {
    choose: intake.chooseFor,
    clear: (which) => model.clear(which),
    open: openWorkflow,
    swap: () => model.swap()
  })
  const offers = createOffers(t, { take: intake.put, url: (ref) => host.viewUrl(ref, true) })
  const verdict = createVerdict(t)
  const ladder = createLadder(t)
  const facts = createFacts(t)
  const causes = createCauses(t, { set: (cause) => mend.setToA(cause) })
  const pictures = createPictures(t)
  const values = createValues(t, onlyDifferences)
  const verify = createVerify(t, (picture) => routes.verify(picture, host.clientId()), routes, say)
  const mend = createMend(root, parts, {
    attempt,
    say,
    put: (ref) => intake.put('b', ref),
    leave: () => slots.focus('b')
  })
  const actions = createActions(t, {
    set: () => mend.setToA(null),
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
  lay()

  /** @type {import('./types').Comparison | null} */
  let shown = null
  let pair = ''
  /** @type {Picture | null} */
  let ran = null

  function lay() {
    pages.element.hidden = true
    fill(
      root,
      el('h2', { class: 'gs-heading', text: t('title') }),
      el(
        'div',
        'gs-scroll',
        slots.element,
        intro,
        offers.element,
        verdict.element,
        mend.element,
        verify.element,
        ladder.element,
        facts.element,
        pages.element
      ),
      actions.element,
      live
    )
  }

  /** @param {string} text to screen readers */
  function say(text) {
    live.textContent = ''
    requestAnimationFrame(() => (live.textContent = text))
  }

  /** @param {State} state */
  function update(state) {
    const { a, b, comparison, comparing } = state
    slots.update(state)
    verdict.update(state)
    actions.update(state, verify.isRunning())
    intro.hidden = a.picture !== null || b.picture !== null
    facts.update(comparison || comparing ? null : (a.side ?? b.side))
    offer()
    if (b.picture !== ran) {
      ran = b.picture
      if (!verify.isRunning()) verify.hide()
      mend.hide()
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

  /** Does what may be refused; the refusal is shown over the page. @param {() => Promise<void>} work */
  async function attempt(work) {
    try {
      await work()
    } catch (error) {
      const line = error instanceof Error ? error.message : String(error)
      host.toast('error', line)
      say(line)
      if (!(error instanceof RouteError)) throw error
    }
  }

  /** @param {Which} which */
  function openWorkflow(which) {
    const { picture } = model.state[which]
    if (picture) attempt(async () => host.openWorkflow(await routes.workflow(picture), picture.name))
  }

  async function verifyB() {
    const { picture } = model.state.b
    if (!picture) return
    const running = verify.start(picture)
    actions.update(model.state, true)
    await running
    actions.update(model.state, verify.isRunning())
  }

  /** @param {'markdown' | 'html'} format */
  function report(format) {
    const { a, b } = model.state
    if (!a.picture || !b.picture) return
    const [first, second] = [a.picture, b.picture]
    attempt(async () => {
      const { text, filename } = await routes.report(first, second, format)
      if (format === 'html') saveText(text, filename)
      else host.toast('success', t((await copyText(text, root)) ? 'actions.copied' : 'actions.notCopied'))
    })
  }

  const stop = model.watch(update)
  return {
    element: root,
    offer,
    put: intake.put,
    focus: () => slots.focus('a'),
    setToA: () => mend.setToA(null),
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
  return {
    url: picture.url,
    name: picture.name,
    width: side.width,
    height: side.height,
    pixels_sha256: side.pixels_sha256
  }
}
