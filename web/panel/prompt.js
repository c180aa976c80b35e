/** Two prompts as one text: what only A has and what only B has is marked, and named where it looks like nothing. */

import { el, inParts } from './dom.js'
import { marked, shortened } from './text.js'

/**
 * @typedef {import('./types').Piece} Piece
 * @typedef {import('./types').Words} Words
 */

const AT_ONCE = 200

/**
 * @param {readonly Piece[]} pieces
 * @param {Words} t
 */
export function promptView(pieces, t) {
  const text = el('div', { class: 'gs-prompt', attr: { dir: 'auto' } })
  inParts(text, pieces, (piece) => el('span', 'gs-piece', ...drawn(piece, t)), {
    size: AT_ONCE,
    more: (left) => t('more', { count: left })
  })
  const names = [...new Set(pieces.flatMap((piece) => piece.names))]
  const named = el('ul', { class: 'gs-names', attr: { 'aria-label': t('prompt.names') } })
  inParts(named, names, (name) => el('li', { text: name }), { size: 12, more: (left) => t('more', { count: left }) })
  return el('div', 'gs-prompt-view', legend(t), text, names.length ? named : null)
}

/** @param {Words} t */
function legend(t) {
  return el(
    'p',
    { class: 'gs-legend', attr: { 'aria-hidden': 'true' } },
    el('del', { text: t('prompt.onlyA') }),
    el('ins', { text: t('prompt.onlyB') })
  )
}

/** @param {Piece} piece @param {Words} t @returns {(Node | null)[]} */
function drawn(piece, t) {
  if (piece.kind === 'same') return [piece.cut ? marked(piece.a) : shortened(piece.a, t, { most: 2000 })]
  return [
    piece.a ? el('del', {}, unseen(t('prompt.inA')), shortened(piece.a, t, { strict: true })) : null,
    piece.b ? el('ins', {}, unseen(t('prompt.inB')), shortened(piece.b, t, { strict: true })) : null
  ]
}

/** @param {string} text for screen readers */
const unseen = (text) => el('span', { class: 'gs-unseen', text: `${text} ` })
