/** What a single picture says of itself, while the other place is empty. */

import { notesView } from './causes.js'
import { el, fill, inParts } from './dom.js'
import { shortened } from './text.js'

/** @typedef {import('./types').Words} Words */

/** @param {Words} t */
export function createFacts(t) {
  const element = el('section', { class: 'gs-section', attr: { 'aria-label': t('facts.title') } })
  return {
    element,

    /** @param {import('./types').Side | null} side */
    update(side) {
      element.hidden = !side
      if (!side) return
      const list = el('dl', 'gs-facts')
      const known = side.facts.filter(({ known, value }) => known !== 'unknown' && value !== '')
      inParts(
        list,
        known,
        ({ name, value, known: how }) =>
          el(
            'div',
            {},
            el('dt', { text: name, attr: { title: t(`known.${how}`) } }),
            el('dd', { attr: { dir: 'auto' } }, shortened(value, t, { most: 300 }))
          ),
        { size: 60, more: (left) => t('more', { count: left }) }
      )
      fill(
        element,
        el('h3', { class: 'gs-title', text: t('facts.title') }),
        known.length ? list : el('p', { class: 'gs-empty', text: t('facts.none') }),
        side.notes.length ? notesView(side.notes, t) : null
      )
    }
  }
}
