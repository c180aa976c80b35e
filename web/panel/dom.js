/** Elements from data: text goes in as text, never as markup. */

const SVG = 'http://www.w3.org/2000/svg'

/** Outlines of the icons, on a grid of 24. */
const ICONS = {
  swap: 'M7 4 3 8l4 4M3 8h18M17 12l4 4-4 4M21 16H3',
  close: 'M6 6l12 12M18 6 6 18',
  open: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  same: 'M5 12.5l4.5 4.5L19 7.5',
  different: 'M6 9h12M6 15h12M15 5 9 19',
  unknown: 'M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5h.01',
  down: 'M6 9l6 6 6-6',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  save: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  run: 'M7 5l12 7-12 7z',
  repeat: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5',
  apply: 'M4 7h10M4 12h7M4 17h5M14 16l3 3 5-6',
  undo: 'M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
  warning: 'M12 4 2.5 20h19zM12 10v4.5M12 17.2h.01',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  minus: 'M5 12h14',
  plus: 'M5 12h14M12 5v14',
  expand: 'M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7',
  pause: 'M8.5 5v14M15.5 5v14',
  divider: 'M9 7l-5 5 5 5M15 7l5 5-5 5'
}

/** @typedef {keyof typeof ICONS} Icon */

/**
 * @typedef {object} Options
 * @property {string} [class]
 * @property {string} [text]
 * @property {Record<string, (event: any) => void>} [on] listeners by the name of their event
 * @property {Record<string, string | number | boolean | null | undefined>} [attr] attributes; true sets an empty one
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Options | string} [options] a string is the class
 * @param {...Child} children strings become text
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, options = {}, ...children) {
  const made = document.createElement(tag)
  const given = typeof options === 'string' ? { class: options } : options
  if (given.class) made.className = given.class
  if (given.text !== undefined) made.textContent = given.text
  for (const [name, value] of Object.entries(given.attr ?? {})) {
    if (value !== undefined && value !== null && value !== false) {
      made.setAttribute(name, value === true ? '' : String(value))
    }
  }
  for (const [name, listener] of Object.entries(given.on ?? {})) made.addEventListener(name, listener)
  add(made, ...children)
  return made
}

/**
 * Appends what is there of the children.
 * @param {Element} parent
 * @param {...Child} children
 */
export function add(parent, ...children) {
  for (const child of children) {
    if (child) parent.append(child)
  }
}

/**
 * Puts children in place of all that an element holds.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren()
  add(parent, ...children)
}

/**
 * Makes an icon; it says nothing to a screen reader.
 * @param {Icon} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', 'gs-icon')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', ICONS[name])
  svg.append(path)
  return svg
}

/**
 * Makes a button with an icon; `label` is its text, or its name where only the icon is shown.
 * @param {object} options
 * @param {string} options.label
 * @param {Icon} [options.icon]
 * @param {string} [options.class]
 * @param {boolean} [options.bare] only the icon is shown
 * @param {Options['attr']} [options.attr]
 * @param {(event: MouseEvent) => void} options.click
 * @returns {HTMLButtonElement}
 */
export function button({ label, icon: name, class: kind = 'gs-button', bare = false, attr = {}, click }) {
  const names = bare ? { 'aria-label': label, title: label } : {}
  return el(
    'button',
    { class: bare ? `${kind} gs-bare` : kind, attr: { type: 'button', ...names, ...attr }, on: { click } },
    name && icon(name),
    bare ? null : el('span', { text: label })
  )
}

/**
 * Draws a long list in parts: the first `size` items, and a button for the next.
 * @template T
 * @param {Element} list
 * @param {readonly T[]} items
 * @param {(item: T, index: number) => Node} draw
 * @param {{size: number, more: (left: number) => string}} options `more` names the button
 */
export function inParts(list, items, draw, { size, more }) {
  list.replaceChildren()
  const next = document.createElement(
    list.tagName === 'TBODY' ? 'tr' : list.tagName === 'UL' || list.tagName === 'OL' ? 'li' : 'div'
  )
  next.className = 'gs-more'
  /** @param {number} start @param {boolean} asked */
  function part(start, asked) {
    next.remove()
    const made = items.slice(start, start + size).map((item, offset) => draw(item, start + offset))
    list.append(...made)
    const left = items.length - start - made.length
    if (left > 0) {
      const press = button({ label: more(left), click: () => part(start + made.length, true) })
      fill(next, list.tagName === 'TBODY' ? el('td', { attr: { colspan: 9 } }, press) : press)
      list.append(next)
    }
    const first = made[0]
    if (asked && first instanceof HTMLElement) {
      first.tabIndex = -1
      first.focus({ preventScroll: true })
    }
  }
  part(0, false)
}

/**
 * Puts style sheets of this folder's `styles` on the page, one after the other; each stays there, once.
 * @param {...string} names
 */
export function linkStyles(...names) {
  for (const name of names) {
    const { href } = new URL(`./styles/${name}.css`, import.meta.url)
    if ([...document.querySelectorAll('link')].some((link) => link.href === href)) continue
    document.head.append(el('link', { attr: { rel: 'stylesheet', href } }))
  }
}
