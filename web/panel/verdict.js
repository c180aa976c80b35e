/** One line that says how the two pictures stand to each other. */

import { el, fill, icon } from './dom.js'

/**
 * @typedef {import('./types').Comparison} Comparison
 * @typedef {import('./types').State} State
 * @typedef {import('./types').Words} Words
 */

/** Characters of a cause's place. */
const MOST = 120

/**
 * Returns whether the pixels are the same: of the files themselves where they were read, else as the records say.
 * @param {Comparison} comparison
 */
export const samePixels = ({ pixels, image_same: said }) => (pixels ? pixels.same_size && pixels.differing === 0 : said)

/**
 * Returns the headline of a comparison and the line below it.
 * @param {Comparison} comparison
 * @param {Words} t
 */
export function headline(comparison, t) {
  const same = samePixels(comparison)
  const count = comparison.causes.length
  if (same)
    return {
      state: 'same',
      title: t('verdict.same'),
      line: count ? t('verdict.noEffect', { count }) : t('verdict.noCause')
    }
  if (same === null && comparison.same)
    return { state: 'unknown', title: t('verdict.unknown'), line: t('verdict.noCause') }
  const title = t(same === null ? 'verdict.differs' : 'verdict.different')
  return {
    state: 'different',
    title,
    line: count
      ? t('verdict.causes', { count, where: comparison.causes[0].where.slice(0, MOST) })
      : t('verdict.noReason')
  }
}

/** @param {Words} t */
export function createVerdict(t) {
  const element = el('div', 'gs-verdict')
  return {
    element,

    /** @param {State} state */
    update({ comparison, comparing, error }) {
      element.hidden = !comparison && !comparing && !error
      element.setAttribute('aria-busy', String(comparing))
      if (error) {
        element.dataset.state = 'error'
        fill(
          element,
          icon('warning'),
          el('div', { class: 'gs-verdict-text', attr: { role: 'alert' } }, el('strong', { text: error }))
        )
      } else if (comparing || !comparison) {
        element.dataset.state = 'busy'
        fill(element, el('span', 'gs-spinner'), el('div', 'gs-verdict-text', el('strong', { text: t('verdict.busy') })))
      } else {
        const { state, title, line } = headline(comparison, t)
        element.dataset.state = state
        fill(
          element,
          icon(/** @type {import('./dom.js').Icon} */ (state)),
          el('div', 'gs-verdict-text', el('strong', { text: title }), el('span', { text: line }))
        )
      }
    }
  }
}
