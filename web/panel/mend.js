/** The open graph set to A's values: shown first, then set, then run or taken back. */

import { chooseChanges } from './changes.js'
import { button, el, fill, icon } from './dom.js'
import { placeInBatch } from './model.js'

/**
 * @typedef {import('./types').Cause} Cause
 * @typedef {import('./types').Change} Change
 * @typedef {import('./types').FileRef} FileRef
 * @typedef {import('./panel.js').Parts} Parts
 */

/**
 * @param {HTMLElement} root
 * @param {Pick<Parts, 'host' | 'routes' | 'model' | 't'>} parts
 * @param {object} acts
 * @param {(work: () => Promise<void>) => Promise<void>} acts.attempt does what may be refused
 * @param {(text: string) => void} acts.say tells screen readers
 * @param {(ref: FileRef) => Promise<void>} acts.put takes what a run saved
 * @param {() => void} acts.leave gives the focus a place to go to
 */
export function createMend(root, { host, routes, model, t }, { attempt, say, put, leave }) {
  const element = el('section', { class: 'gs-section gs-done', attr: { 'aria-label': t('done.title') } })
  element.hidden = true

  /** Shows what would be set in the graph: all, or what one cause asks for. @param {Cause | null} cause */
  function setToA(cause) {
    const { picture } = model.state.a
    if (!picture) return
    attempt(async () => {
      const found = await routes.changes(picture, await host.promptOfGraph())
      chooseChanges(root, found, t, {
        wanted: (change) => cause === null || change.id === cause.id,
        why: forbidden,
        set: (chosen) => attempt(() => apply(chosen))
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
    const again = button({
      label: t('done.run'),
      icon: 'run',
      class: 'gs-button gs-primary',
      click: () => attempt(run)
    })
    const undo = button({ label: t('done.undo'), icon: 'undo', click: () => attempt(takeBack) })
    fill(
      element,
      el('div', 'gs-answer gs-is-same', icon('same'), el('strong', { text })),
      notTaken ? el('p', { class: 'gs-error', text: t('done.left', { names: notTaken }) }) : null,
      el('div', 'gs-row', again, undo)
    )
    element.hidden = false
    again.focus()
    say(text)
  }

  async function takeBack() {
    await host.undo()
    element.hidden = true
    say(t('done.undone'))
    leave()
  }

  /** Runs the graph and puts what it saves into B. */
  async function run() {
    const stop = new AbortController()
    const cancel = button({ label: t('done.stop'), click: () => stop.abort() })
    fill(
      element,
      el('div', 'gs-answer', el('span', 'gs-spinner'), el('strong', { text: t('done.running') })),
      el('div', 'gs-row', cancel)
    )
    cancel.focus()
    say(t('done.running'))
    const ref = await host.runGraph(stop.signal, placeInBatch(model.state.a))
    element.hidden = true
    leave()
    if (ref) await put(ref)
    else if (!stop.signal.aborted) host.toast('error', t('done.noPicture'))
  }

  return {
    element,
    setToA,
    hide() {
      element.hidden = true
    }
  }
}
