/** The row above the pictures: how they are shown, how large, and the view that fills the window. */

import { button, make } from './dom.js'

/** @typedef {(key: string, values?: object) => string} Translate */
/** @typedef {'side' | 'slider' | 'blink' | 'heat'} Mode */

/** @type {Mode[]} */
const MODES = ['side', 'slider', 'blink', 'heat']
let toolbars = 0

export class Toolbar {
  /** @type {Map<Mode, HTMLInputElement>} */
  #radios = new Map()

  /**
   * @param {(mode: Mode) => void} choose
   * @param {Translate} t
   */
  constructor(choose, t) {
    const name = `goodseed-pictures-${(toolbars += 1)}`
    this.modes = make('div', 'gs-pictures-modes', { role: 'radiogroup', 'aria-label': t('pictures.modes') })
    for (const mode of MODES) {
      const radio = make('input', '', { type: 'radio', name, value: mode })
      radio.addEventListener('change', () => choose(mode))
      this.#radios.set(mode, radio)
      this.modes.append(make('label', '', {}, radio, make('span', '', {}, t(`pictures.${mode}`))))
    }
    this.smaller = button(t('pictures.smaller'), 'minus')
    this.readout = make('output', 'gs-pictures-zoom', { 'aria-label': t('pictures.zoom') })
    this.larger = button(t('pictures.larger'), 'plus')
    this.fit = button(t('pictures.fitKey'), '', t('pictures.fit'))
    this.real = button(t('pictures.realKey'), '', '1:1')
    this.window = button(t('pictures.open'), 'expand')
    this.window.classList.add('gs-pictures-last')
    this.element = make(
      'div',
      'gs-pictures-toolbar',
      {},
      this.modes,
      make(
        'div',
        'gs-pictures-tools',
        {},
        this.smaller,
        this.readout,
        this.larger,
        this.fit,
        this.real,
        this.window
      )
    )
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
