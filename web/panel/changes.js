/** What would be set in the graph: shown first, each with a check box, then set as one step of undo. */

import { openDialog } from './dialog.js'
import { button, el, inParts } from './dom.js'
import { asText, shortened } from './text.js'

/**
 * @typedef {import('./types').Change} Change
 * @typedef {import('./types').Changes} Changes
 * @typedef {import('./types').Words} Words
 */

const AT_ONCE = 100

/**
 * Opens the list of changes.
 * @param {Element} parent
 * @param {Changes} found
 * @param {Words} t
 * @param {{wanted: (change: Change) => boolean, why: (change: Change) => string, set: (chosen: Change[]) => void}} acts
 *   `wanted`: is checked at first; `why`: what forbids a change, or nothing
 */
export function chooseChanges(parent, found, t, { wanted, why, set }) {
  const rows = found.changes.map((change) => ({ change, forbidden: why(change), chosen: false }))
  const free = rows.filter(({ forbidden }) => !forbidden)
  const some = free.filter(({ change }) => wanted(change))
  for (const row of some.length ? some : free) row.chosen = true

  const all = el('input', { attr: { type: 'checkbox' }, on: { change: () => choose(all.checked) } })
  const apply = button({
    label: '',
    class: 'gs-button gs-primary',
    click: () => {
      dialog.close()
      set(rows.filter(({ chosen }) => chosen).map(({ change }) => change))
    }
  })

  /** @type {Map<typeof rows[number], HTMLInputElement>} */
  const boxes = new Map()

  /** @param {boolean} chosen */
  function choose(chosen) {
    for (const row of free) row.chosen = chosen
    for (const [row, box] of boxes) box.checked = row.chosen
    count()
  }

  function count() {
    const number = rows.filter(({ chosen }) => chosen).length
    all.checked = number > 0 && number === free.length
    all.indeterminate = number > 0 && number < free.length
    apply.textContent = t('changes.set', { count: number })
    apply.disabled = number === 0
  }

  /** @param {typeof rows[number]} row */
  function draw(row) {
    const { change, forbidden } = row
    const box = el('input', {
      attr: { type: 'checkbox', disabled: forbidden !== '' },
      on: {
        change: () => {
          row.chosen = box.checked
          count()
        }
      }
    })
    box.checked = row.chosen
    boxes.set(row, box)
    return el(
      'li',
      forbidden ? 'gs-change gs-forbidden' : 'gs-change',
      el(
        'label',
        {},
        box,
        el('span', 'gs-change-where', shortened(`${change.title} · ${change.input}`, t, { most: 120 }))
      ),
      el(
        'div',
        'gs-from-to',
        shortened(asText(change.from), t, { most: 200 }),
        el('span', { class: 'gs-arrow', text: '→', attr: { 'aria-label': t('changes.to') } }),
        shortened(asText(change.to), t, { most: 200 })
      ),
      forbidden ? el('p', { class: 'gs-meta', text: forbidden }) : null
    )
  }

  const list = el('ul', { class: 'gs-changes', attr: { 'aria-label': t('changes.title') } })
  inParts(list, rows, draw, { size: AT_ONCE, more: (left) => t('more', { count: left }) })
  const body = el(
    'div',
    {},
    rows.length
      ? el('label', 'gs-all', all, el('span', { text: t('changes.all', { count: free.length }) }))
      : el('p', { class: 'gs-empty', text: t(found.others.length ? 'changes.noValues' : 'changes.none') }),
    list,
    others(found.others, t)
  )
  count()
  const dialog = openDialog(parent, {
    title: t('changes.title'),
    close: t('close'),
    body,
    foot: el(
      'div',
      'gs-dialog-foot',
      button({ label: t(rows.length ? 'changes.cancel' : 'close'), click: () => dialog.close() }),
      rows.length ? apply : null
    )
  })
  ;(apply.isConnected && !apply.disabled ? apply : dialog.querySelector('button'))?.focus()
}

/** @param {Changes['others']} found @param {Words} t */
function others(found, t) {
  if (!found.length) return null
  const list = el('ul', 'gs-notes')
  inParts(
    list,
    found,
    ({ where, why, fix }) =>
      el('li', {}, el('strong', {}, shortened(where, t)), ' ', shortened(`${why} ${fix ?? ''}`, t)),
    { size: 12, more: (left) => t('more', { count: left }) }
  )
  return el('div', 'gs-note-box', el('h3', { class: 'gs-subtitle', text: t('changes.others') }), list)
}
