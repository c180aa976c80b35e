/** The pictures that the graph loads, offered while a place is empty. */

import { button, el, fill, inParts } from './dom.js'

/**
 * @typedef {import('./types').FileRef} FileRef
 * @typedef {import('./types').Which} Which
 * @typedef {import('./types').Words} Words
 * @typedef {{title: string, ref: FileRef}} Offer
 */

/**
 * @param {Words} t
 * @param {{take: (which: Which, ref: FileRef) => void, url: (ref: FileRef) => string}} acts
 */
export function createOffers(t, { take, url }) {
  const list = el('ul', 'gs-offers')
  const element = el('section', { class: 'gs-section', attr: { 'aria-label': t('offers.title') } })
  let last = ''

  /** @param {Offer} offer */
  function draw({ title, ref }) {
    const as = (/** @type {Which} */ which) =>
      button({
        label: which.toUpperCase(),
        class: 'gs-small gs-as',
        attr: { 'aria-label': t('offers.as', { letter: which.toUpperCase(), name: ref.filename }) },
        click: () => take(which, ref)
      })
    return el(
      'li',
      'gs-offer',
      el('img', { attr: { src: url(ref), alt: '', loading: 'lazy' } }),
      el(
        'span',
        'gs-offer-text',
        el('span', { class: 'gs-name', text: ref.filename }),
        el('span', { class: 'gs-meta', text: title })
      ),
      as('a'),
      as('b')
    )
  }
  return {
    element,

    /** @param {readonly Offer[]} offers @param {boolean} wanted */
    update(offers, wanted) {
      element.hidden = !wanted || offers.length === 0
      const now = JSON.stringify(offers)
      if (element.hidden || now === last) return
      last = now
      inParts(list, offers, draw, { size: 12, more: (left) => t('more', { count: left }) })
      fill(element, el('h3', { class: 'gs-title', text: t('offers.title') }), list)
    }
  }
}
