/** Small makers of elements. Texts are put in as text, never as markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Outlines on a field of 16 × 16. */
const ICONS = {
  minus: 'M3 8h10',
  plus: 'M3 8h10M8 3v10',
  expand: 'M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5 9 7M2.5 13.5 7 9',
  close: 'm3.5 3.5 9 9m0-9-9 9',
  play: 'M5 3v10l8-5z',
  pause: 'M5.5 3v10M10.5 3v10',
  flip: 'M2.5 5.5h10l-3-3M13.5 10.5h-10l3 3',
  divider: 'M6 4.5 2.5 8 6 11.5M10 4.5 13.5 8 10 11.5'
}

const SVG = 'http://www.w3.org/2000/svg'

/** @typedef {keyof typeof ICONS} Icon */

/**
 * @param {Icon} name
 * @returns {SVGElement} a drawing that screen readers pass over
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  const path = document.createElementNS(SVG, 'path')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('aria-hidden', 'true')
  svg.classList.add('gs-pictures-icon')
  path.setAttribute('d', ICONS[name])
  svg.append(path)
  return svg
}

/**
 * @param {string} label what it does, for the tooltip and, where only an icon is seen, for screen readers
 * @param {Icon | ''} picture
 * @param {string} [text] what is seen beside the icon
 * @returns {HTMLButtonElement}
 */
export function button(label, picture, text = '') {
  const made = make('button', 'gs-pictures-button', { type: 'button', title: label })
  if (picture) made.append(icon(picture))
  if (text) made.append(make('span', '', {}, text))
  if (text !== label) made.setAttribute('aria-label', label)
  return made
}
