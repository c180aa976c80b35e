/** The difference in figures, and the hashes of the pixels. */

import { make } from './dom.js'

/** @typedef {(key: string, values?: object) => string} Translate */
/**
 * @typedef {object} Pixels the `pixels` of the server's comparison
 * @property {boolean} same_size
 * @property {number} largest of all channels of all pixels, 0–255
 * @property {number} mean 0–255
 * @property {number} differing the share of pixels that differ, 0–1
 */

const SMALLEST_SHARE = 0.0001

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

/**
 * @param {Pixels} pixels of pictures of one size
 * @param {Translate} t
 * @returns {HTMLElement}
 */
export function figures(pixels, t) {
  if (pixels.largest === 0 && pixels.differing === 0) {
    return make('p', 'gs-pictures-line', {}, t('pictures.equal'))
  }
  const figure = (/** @type {string} */ name, /** @type {string} */ value) =>
    make('div', '', {}, make('dt', '', {}, name), make('dd', '', {}, value))
  return make(
    'dl',
    'gs-pictures-figures',
    {},
    figure(t('pictures.largest'), t('pictures.of255', { value: number(pixels.largest) })),
    figure(t('pictures.mean'), number(pixels.mean)),
    figure(t('pictures.differing'), percent(pixels.differing))
  )
}

/**
 * @param {string} a sha256 of A's pixels
 * @param {string} b
 * @param {Translate} t
 * @returns {HTMLElement} closed at first
 */
export function hashes(a, b, t) {
  const summary = t(a === b ? 'pictures.hashesSame' : 'pictures.hashesDiffer')
  const hash = (/** @type {string} */ letter, /** @type {string} */ value) =>
    make('div', '', {}, make('dt', '', {}, letter), make('dd', '', {}, make('code', '', {}, value)))
  return make(
    'details',
    'gs-pictures-hashes',
    {},
    make('summary', '', {}, summary),
    make('dl', '', {}, hash('A', a), hash('B', b))
  )
}
