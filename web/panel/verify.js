/** B run again on this server: progress, a way to stop it, and the answer. */

import { RouteError } from './api.js'
import { causeView, notesView } from './causes.js'
import { button, el, fill, icon } from './dom.js'

/**
 * @typedef {import('./types').Job} Job
 * @typedef {import('./types').Picture} Picture
 * @typedef {import('./types').Words} Words
 */

const POLL = 700

/**
 * @param {Words} t
 * @param {(picture: Picture) => Promise<{job: string}>} ask starts a job
 * @param {ReturnType<typeof import('./api.js').createRoutes>} routes
 * @param {(text: string) => void} say tells screen readers
 */
export function createVerify(t, ask, routes, say) {
  const element = el('section', {
    class: 'gs-section gs-verify',
    attr: { 'aria-label': t('verify.title'), tabindex: -1 }
  })
  element.hidden = true
  let job = ''

  const bar = el('progress', { attr: { 'aria-label': t('verify.title') } })
  const what = el('span', 'gs-meta')
  const cancel = button({ label: t('verify.cancel'), click: () => stop() })

  /** @param {Picture} picture */
  async function start(picture) {
    element.hidden = false
    bar.removeAttribute('value')
    what.textContent = ''
    cancel.disabled = false
    fill(element, heading(t('verify.running', { name: picture.name })), bar, el('div', 'gs-row', what, cancel))
    say(t('verify.running', { name: picture.name }))
    cancel.focus()
    try {
      job = (await ask(picture)).job
      await poll()
    } catch (error) {
      fail(error)
    }
  }

  /** Asks again and again until the job ends; the host's socket may tell of the end sooner. */
  async function poll() {
    const asked = job
    while (asked && asked === job) {
      take({ ...(await routes.job(asked)), job: asked })
      if (job) await new Promise((resolve) => setTimeout(resolve, POLL))
    }
  }

  /** @param {Job} found */
  function take(found) {
    if (!job || found.job !== job) return
    if (found.state === 'running') {
      what.textContent = found.what
      if (found.total > 0) {
        bar.max = found.total
        bar.value = found.done
      }
      return
    }
    job = ''
    if (found.state === 'done' && found.answer) answer(found.answer)
    else if (found.state === 'cancelled') end('unknown', t('verify.cancelled'))
    else end('warning', found.error ?? t('verify.failed'))
  }

  /** @param {import('./types').Verification} found */
  function answer({ verdict, causes, notes }) {
    end(verdict === 'different' ? 'different' : 'same', t(`verify.${verdict}`))
    if (causes.length)
      element.append(el('ol', 'gs-causes', ...causes.map((cause, place) => causeView(cause, place, t, null))))
    if (notes.length) element.append(notesView(notes, t))
  }

  /** @param {import('./dom.js').Icon} name @param {string} text */
  function end(name, text) {
    const held = element.contains(document.activeElement)
    const close = button({ label: t('close'), icon: 'close', bare: true, class: 'gs-small', click: () => hide() })
    fill(element, el('div', { class: `gs-answer gs-is-${name}` }, icon(name), el('strong', { text }), close))
    if (held) element.focus({ preventScroll: false })
    say(text)
  }

  /** @param {unknown} error */
  function fail(error) {
    if (!(error instanceof RouteError)) throw error
    job = ''
    end('warning', error.message)
  }

  async function stop() {
    cancel.disabled = true
    try {
      if (job) await routes.cancel(job)
    } catch (error) {
      fail(error)
    }
  }

  function hide() {
    element.hidden = true
    fill(element)
  }

  return { element, start, take, hide, isRunning: () => job !== '' }
}

/** @param {string} text */
const heading = (text) => el('h3', { class: 'gs-title', text })
