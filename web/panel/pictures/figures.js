/** The difference in figures, and the hashes of the pixels. */

import { el, fill } from '../dom.js'

/** @typedef {import('../types').Words} Words */
/**
 * @typedef {object} Pixels the `pixels` of the server's comparison
 * @property {boolean} same_size
 * @property {number} largest of all channels of all pixels, 0–255
 * @property {number} mean 0–255
 * @property {number} differing the share of pixels that differ, 0–1
 */

/** Shares nearer to none or to all than this are not rounded to them. */
const SMALLEST_SHARE = 0.0001

export class Figures {
  #figures = el('dl', 'gs-pictures-figures')
  #equal
  #summary = el('summary')
  #a = el('code')
  #b = el('code')
  #hashes

  /** @param {Words} t */
  constructor(t) {
    this.t = t
    const hash = (/** @type {string} */ letter, /** @type {HTMLElement} */ value) =>
      el('div', '', el('dt', { text: letter }), el('dd', '', value))
    const both = el('dl', '', hash('A', this.#a), hash('B', this.#b))
    this.#equal = el('p', { class: 'gs-pictures-line', text: t('pictures.equal') })
    this.#hashes = el('details', 'gs-pictures-hashes', this.#summary, both)
    this.element = el('div', 'gs-pictures-facts', this.#figures, this.#equal, this.#hashes)
  }

  /**
   * @param {Pixels | null} pixels of two pictures of one size
   * @param {string} [a] sha256 of A's pixels
   * @param {string} [b]
   */
  update(pixels, a, b) {
    const equal = pixels !== null && pixels.largest === 0
    this.#equal.hidden = !equal
    this.#figures.hidden = !pixels || equal
    if (pixels) fill(this.#figures, ...this.#numbers(pixels))
    this.#hashes.hidden = !a || !b
    this.#a.textContent = a ?? ''
    this.#b.textContent = b ?? ''
    this.#summary.textContent = this.t(a === b ? 'pictures.hashesSame' : 'pictures.hashesDiffer')
    this.element.hidden = !pixels && this.#hashes.hidden
  }

  /**
   * @param {Pixels} pixels
   * @returns {HTMLElement[]}
   */
  #numbers({ largest, mean, differing }) {
    const figure = (/** @type {string} */ name, /** @type {string} */ value) =>
      el('div', '', el('dt', { text: name }), el('dd', { text: value }))
    return [
      figure(this.t('pictures.largest'), this.t('pictures.of255', { value: number(largest) })),
      figure(this.t('pictures.mean'), number(mean)),
      figure(this.t('pictures.differing'), percent(differing))
    ]
  }
}

/**
 * @param {number} share 0–1
 * @returns {string} in percent; neither "0 %" where something differs nor "100 %" where something does not
 */
function percent(share) {
  if (share > 0 && share < SMALLEST_SHARE) return '< 0.01 %'
  if (share < 1 && share > 1 - SMALLEST_SHARE) return '> 99.99 %'
  return `${Number((100 * share).toPrecision(share > 0.99 ? 4 : 3))} %`
}

/**
 * @param {number} value
 * @returns {string} to three digits, never in powers of ten
 */
function number(value) {
  if (value > 0 && value < 0.0001) return '< 0.0001'
  return String(Number(value.toPrecision(3)))
}
