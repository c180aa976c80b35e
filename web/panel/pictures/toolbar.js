/** The row above the pictures: how they are shown, how large, and the view that fills the window. */

import { button, el, fill, icon } from '../dom.js'

/** @typedef {import('../types').Words} Words */
/** @typedef {'side' | 'slider' | 'blink' | 'heat'} Mode */

/** @type {Mode[]} */
const MODES = ['side', 'slider', 'blink', 'heat']
let toolbars = 0

export class Toolbar {
  /** @type {Map<Mode, HTMLInputElement>} */
  #radios = new Map()

  /**
   * @param {{mode: (mode: Mode) => void, key: (key: string) => void, window: () => void}} does what a choice of a mode
   *   does, the key of a zoom, and filling the window or leaving it
   * @param {Words} t
   */
  constructor(does, t) {
    this.t = t
    const name = `goodseed-pictures-${(toolbars += 1)}`
    const radios = MODES.map((mode) => {
      const radio = el('input', { attr: { type: 'radio', name, value: mode }, on: { change: () => does.mode(mode) } })
      this.#radios.set(mode, radio)
      return el('label', '', radio, el('span', { text: t(`pictures.${mode}`) }))
    })
    const group = { role: 'radiogroup', 'aria-label': t('pictures.modes') }
    this.modes = el('div', { class: 'gs-pictures-modes', attr: group }, ...radios)
    this.readout = el('output', { class: 'gs-pictures-zoom', attr: { 'aria-label': t('pictures.zoom') } })
    const bare = { class: 'gs-pictures-button', bare: true }
    const words = (/** @type {string} */ text, /** @type {string} */ label, /** @type {string} */ key) =>
      el('button', {
        class: 'gs-pictures-button',
        text,
        attr: { type: 'button', title: label, 'aria-label': label },
        on: { click: () => does.key(key) }
      })
    this.window = button({ ...bare, label: t('pictures.open'), icon: 'expand', click: does.window })
    this.window.classList.add('gs-pictures-last')
    const tools = el(
      'div',
      'gs-pictures-tools',
      button({ ...bare, label: t('pictures.smaller'), icon: 'minus', click: () => does.key('-') }),
      this.readout,
      button({ ...bare, label: t('pictures.larger'), icon: 'plus', click: () => does.key('+') }),
      words(t('pictures.fit'), t('pictures.fitKey'), '0'),
      words('1:1', t('pictures.realKey'), '1'),
      this.window
    )
    this.element = el('div', 'gs-pictures-toolbar', this.modes, tools)
  }

  /** @param {boolean} open whether the window is filled */
  dressWindow(open) {
    const label = this.t(open ? 'pictures.close' : 'pictures.open')
    fill(this.window, icon(open ? 'close' : 'expand'))
    this.window.title = label
    this.window.setAttribute('aria-label', label)
  }

  /**
   * @param {Mode} mode the one that is chosen
   * @param {Mode[]} possible the ones that can be
   */
  dress(mode, possible) {
    for (const [name, radio] of this.#radios) {
      radio.checked = name === mode
      radio.disabled = !possible.includes(name)
    }
    this.modes.hidden = !possible.length
  }
}
