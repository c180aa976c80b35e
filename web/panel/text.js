/** Text of images shown as text: long ones shortened, characters that nobody sees shown as marks. */

import { button, el } from './dom.js'

/** @typedef {import('./types').Words} Words */

/** Controls, blanks other than the space, joiners, fillers: what leaves no mark of its own. */
const UNSEEN = new RegExp(
  '[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\u00a0\\u034f\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u2000-\\u200a' +
    '\\u202f\\u205f\\u3000\\u3164\\uffa0\\ufe00-\\ufe0f]',
  'u'
)
const IN_EMOJI = /[\u200d\ufe0e\ufe0f]/

/** @type {Record<string, string>} */
const SHORT = {
  '\t': '⇥',
  '\n': '↵',
  '\r': '␍',
  '\u00a0': 'NBSP',
  '\u00ad': 'SHY',
  '\u200b': 'ZWSP',
  '\u200c': 'ZWNJ',
  '\u200d': 'ZWJ',
  '\u200e': 'LRM',
  '\u200f': 'RLM',
  '\u202f': 'NNBSP',
  '\u2060': 'WJ',
  '\u3000': 'IDSP',
  '\ufeff': 'BOM'
}

const MOST = 600
const CHUNK = 20000

/** @param {string} letter */
export const codePoint = (letter) => `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/**
 * Returns a text with a mark in place of each character that nobody sees. Line ends and tabs are marked and kept.
 * @param {string} text
 * @param {{strict?: boolean}} [options] `strict` also marks plain spaces, line ends and what joins emoji
 */
export function marked(text, { strict = false } = {}) {
  const made = document.createDocumentFragment()
  let plain = ''
  for (const letter of text) {
    const blank = letter === ' ' || letter === '\n' || letter === '\t' || IN_EMOJI.test(letter)
    if (blank ? !strict : letter !== ' ' && !UNSEEN.test(letter)) {
      plain += letter
      continue
    }
    made.append(plain)
    plain = ''
    made.append(mark(letter))
    if (letter === '\n') plain = '\n'
  }
  made.append(plain)
  return made
}

/** @param {string} letter */
function mark(letter) {
  if (letter === ' ') return el('span', { class: 'gs-space', text: '·' })
  const name = codePoint(letter)
  return el('span', { class: 'gs-mark', text: SHORT[letter] ?? name, attr: { title: name } })
}

/**
 * Shows a text, a long one by its start, with a button for all of it.
 * @param {string} text
 * @param {Words} t
 * @param {{strict?: boolean, most?: number}} [options]
 */
export function shortened(text, t, { strict = false, most = MOST } = {}) {
  const shown = el('span', 'gs-text')
  if (text.length <= most) {
    shown.append(marked(text, { strict }))
    return shown
  }
  const all = button({
    label: t('text.all', { count: text.length }),
    class: 'gs-link',
    click: () => {
      shown.replaceChildren(...chunks(text).map((part) => el('span', 'gs-chunk', marked(part, { strict }))))
      shown.classList.add('gs-whole')
      shown.tabIndex = 0
      shown.focus({ preventScroll: true })
    }
  })
  shown.append(marked(text.slice(0, most), { strict }), '… ', all)
  return shown
}

/** @param {string} text */
function chunks(text) {
  return Array.from({ length: Math.ceil(text.length / CHUNK) }, (_, at) => text.slice(at * CHUNK, (at + 1) * CHUNK))
}

/**
 * Returns a value of a record as a person writes it.
 * @param {unknown} value
 */
export function asText(value) {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
