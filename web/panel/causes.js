/** Why two pictures differ: the likeliest cause first, each with its values, one sentence and its fix. */

import { button, el, fill, inParts } from './dom.js'
import { promptView } from './prompt.js'
import { asText, shortened } from './text.js'

/**
 * @typedef {import('./types').Cause} Cause
 * @typedef {import('./types').Verification['causes'][number]} PlainCause
 * @typedef {import('./types').Words} Words
 */

const AT_ONCE = 20

/**
 * @param {Words} t
 * @param {{set: (cause: Cause) => void}} acts
 */
export function createCauses(t, acts) {
  const list = el('ol', 'gs-causes')
  const element = el('div', {})
  return {
    element,

    /** @param {import('./types').Comparison | null} comparison */
    update(comparison) {
      if (!comparison) return
      const { causes, notes } = comparison
      inParts(list, causes, (cause, place) => causeView(cause, place, t, () => acts.set(cause)), {
        size: AT_ONCE,
        more: (left) => t('more', { count: left })
      })
      fill(
        element,
        causes.length ? list : el('p', { class: 'gs-empty', text: t('causes.none') }),
        notes.length ? notesView(notes, t) : null
      )
    }
  }
}

/**
 * @param {readonly string[]} notes
 * @param {Words} t
 */
export function notesView(notes, t) {
  const list = el('ul', 'gs-notes')
  inParts(list, notes, (note) => el('li', {}, shortened(note, t)), {
    size: 8,
    more: (left) => t('more', { count: left })
  })
  return el('div', 'gs-note-box', el('h4', { class: 'gs-subtitle', text: t('causes.notes') }), list)
}

/**
 * Shows one cause; the first three are open.
 * @param {Cause | PlainCause} cause
 * @param {number} place
 * @param {Words} t
 * @param {(() => void) | null} set
 */
export function causeView(cause, place, t, set) {
  const prompt = 'prompt' in cause ? cause.prompt : null
  return el(
    'li',
    { class: 'gs-cause', attr: { 'data-evidence': cause.evidence } },
    el(
      'details',
      { attr: { open: place < 3 } },
      el(
        'summary',
        'gs-cause-head',
        el('span', { class: 'gs-rank', text: String(place + 1) }),
        el('span', 'gs-where', shortened(cause.where, t, { most: 120 })),
        el('span', { class: 'gs-tag', text: t(`cause.${cause.cause}`) })
      ),
      el(
        'div',
        'gs-cause-body',
        prompt ? promptView(prompt, t) : valuesView(cause, t),
        el('p', 'gs-why', shortened(cause.why, t)),
        el('p', 'gs-fix', el('strong', { text: t('causes.fix') }), ' ', shortened(cause.fix, t)),
        set && 'can_set' in cause && cause.can_set
          ? button({ label: t('causes.set'), icon: 'apply', attr: { 'aria-haspopup': 'dialog' }, click: set })
          : null
      )
    )
  )
}

/** @param {Cause | PlainCause} cause @param {Words} t */
function valuesView({ a, b }, t) {
  const texts = [asText(a), asText(b)]
  if (!texts[0] && !texts[1]) return null
  return el(
    'dl',
    'gs-pair',
    ...['A', 'B'].flatMap((letter, place) => [
      el('dt', { class: 'gs-letter', text: letter }),
      el(
        'dd',
        { attr: { dir: 'auto' } },
        texts[place]
          ? shortened(texts[place], t, { strict: similar(texts), most: 300 })
          : el('em', { text: t('values.none') })
      )
    ])
  )
}

/** Says whether two texts look alike to the eye, so that every blank counts. @param {string[]} texts */
function similar([a, b]) {
  const bare = (/** @type {string} */ text) => text.replace(/[\s\p{Cf}\p{Cc}]/gu, '')
  return a !== b && bare(a) === bare(b)
}
