/** All values of both pictures side by side: filtered, searched, drawn in parts. */

import { el, fill, inParts } from './dom.js'
import { shortened } from './text.js'

/**
 * @typedef {import('./types').Value} Value
 * @typedef {import('./types').Words} Words
 */

const AT_ONCE = 100

/**
 * @param {Words} t
 * @param {boolean} onlyDifferences what is shown at first
 */
export function createValues(t, onlyDifferences) {
  /** @type {readonly Value[]} */
  let values = []
  let only = onlyDifferences
  let drawn = false

  const body = el('tbody')
  const count = el('p', { class: 'gs-meta gs-count', attr: { role: 'status' } })
  const search = el('input', {
    class: 'gs-search',
    attr: { type: 'search', placeholder: t('values.search'), 'aria-label': t('values.search'), spellcheck: 'false' },
    on: { input: () => draw() }
  })
  search.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !search.value) return
    search.value = ''
    event.stopPropagation()
    draw()
  })
  const filters = [true, false].map((differences) =>
    el('button', {
      class: 'gs-segment',
      text: t(differences ? 'values.differences' : 'values.all'),
      attr: { type: 'button', 'aria-pressed': String(only === differences) },
      on: {
        click: () => {
          only = differences
          filters.forEach((press, place) => press.setAttribute('aria-pressed', String(only === (place === 0))))
          draw()
        }
      }
    })
  )
  const table = el(
    'table',
    'gs-values',
    el(
      'thead',
      {},
      el('tr', {}, ...[t('values.name'), 'A', 'B'].map((text) => el('th', { text, attr: { scope: 'col' } })))
    ),
    body
  )
  const element = el(
    'div',
    {},
    el(
      'div',
      'gs-tools',
      el('div', { class: 'gs-segments', attr: { role: 'group', 'aria-label': t('values.show') } }, ...filters),
      search
    ),
    count,
    table
  )

  function draw() {
    drawn = true
    const wanted = search.value.trim().toLowerCase()
    const rows = values.filter((value) => (!only || !value.same) && (!wanted || holds(value, wanted)))
    table.hidden = rows.length === 0
    count.textContent = rows.length
      ? t('values.count', { count: rows.length })
      : t(wanted ? 'values.nothing' : 'values.noneDiffers')
    /** @type {(value: Value, place: number) => Node} */
    const drawRow = (value, place) => {
      const made = row(value, t)
      if (rows[place - 1]?.group === value.group) return made
      const both = document.createDocumentFragment()
      both.append(
        el('tr', 'gs-group', el('th', { text: t(`group.${value.group}`), attr: { colspan: 3, scope: 'colgroup' } })),
        made
      )
      return both
    }
    inParts(body, rows, drawRow, { size: AT_ONCE, more: (left) => t('more', { count: left }) })
  }

  return {
    element,

    /** @param {import('./types').Comparison | null} comparison */
    update(comparison) {
      values = comparison?.values ?? []
      drawn = false
      fill(body)
    },

    /** Draws the table, when it is first seen. */
    show() {
      if (!drawn) draw()
    }
  }
}

/** @param {Value} value @param {string} wanted */
const holds = ({ name, a, b }, wanted) => [name, a, b].some((text) => text?.toLowerCase().includes(wanted))

/** @param {Value} value @param {Words} t */
function row(value, t) {
  const cell = (/** @type {string | null} */ text, span = 1) =>
    el(
      'td',
      { attr: { dir: 'auto', colspan: span > 1 ? span : null } },
      text === null ? el('em', { text: t('values.none') }) : shortened(text, t, { most: 240 })
    )
  return el(
    'tr',
    value.same ? '' : 'gs-differs',
    el('th', { attr: { scope: 'row' } }, shortened(value.name, t, { most: 120 })),
    ...(value.same ? [cell(value.a, 2)] : [cell(value.a), cell(value.b)])
  )
}
