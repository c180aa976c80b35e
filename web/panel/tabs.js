/** Tabs as the ARIA practices have them: one stop for the Tab key, arrows between them. */

import { el } from './dom.js'

let made = 0

/**
 * @typedef {{name: string, element: HTMLElement, show?: () => void}} Page
 */

/**
 * @param {readonly Page[]} pages `show` is called when a page is seen
 * @param {string} label
 */
export function tabs(pages, label) {
  const id = `gs-tabs-${++made}`
  const presses = pages.map(({ name }, place) =>
    el('button', {
      class: 'gs-tab',
      text: name,
      attr: { type: 'button', role: 'tab', id: `${id}-${place}`, 'aria-controls': `${id}-${place}-page` },
      on: { click: () => select(place) }
    })
  )
  pages.forEach(({ element }, place) => {
    element.id = `${id}-${place}-page`
    element.setAttribute('role', 'tabpanel')
    element.setAttribute('aria-labelledby', `${id}-${place}`)
  })
  const list = el('div', { class: 'gs-tabs', attr: { role: 'tablist', 'aria-label': label } }, ...presses)
  list.addEventListener('keydown', (event) => {
    const now = presses.findIndex((press) => press === document.activeElement)
    const last = presses.length - 1
    /** @type {Record<string, number>} */
    const next = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: now === 0 ? last : now - 1, Home: 0, End: last }
    if (now < 0 || next[event.key] === undefined) return
    event.preventDefault()
    event.stopPropagation()
    select(next[event.key])
    presses[next[event.key]].focus()
  })

  /** @param {number} place */
  function select(place) {
    presses.forEach((press, other) => {
      press.setAttribute('aria-selected', String(other === place))
      press.tabIndex = other === place ? 0 : -1
      pages[other].element.hidden = other !== place
    })
    pages[place].show?.()
  }
  select(0)
  return {
    element: el('div', {}, list, ...pages.map(({ element }) => element)),
    select,

    /** @param {number} place @param {string} name */
    rename(place, name) {
      presses[place].textContent = name
    },

    /** Tells the page that is seen that its data changed. */
    refresh() {
      pages[presses.findIndex((press) => press.getAttribute('aria-selected') === 'true')].show?.()
    }
  }
}
