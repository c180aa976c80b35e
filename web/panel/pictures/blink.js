/** A and B in turn, in one place: by itself where people have not asked for less motion, else by hand. */

import { el, fill, icon } from '../dom.js'

/** @typedef {import('../types').Words} Words */

/** Milliseconds that each picture stays: two changes a second, never more. */
const STAY = 500

export class Blink {
  #calm = matchMedia('(prefers-reduced-motion: reduce)')
  /** @type {ReturnType<typeof setInterval> | null} */
  #timer = null
  #on = false
  #second = false

  /**
   * @param {(second: boolean) => void} show called with whether B is to be seen
   * @param {Words} t
   * @param {AbortSignal} signal stops it for good
   */
  constructor(show, t, signal) {
    this.show = show
    this.t = t
    const attr = { type: 'button' }
    const playOrPause = () => (this.#timer === null ? this.#start() : this.#stop())
    this.play = el('button', { class: 'gs-pictures-button', attr, on: { click: playOrPause } })
    this.turn = el(
      'button',
      { class: 'gs-pictures-button', attr: { ...attr, title: t('pictures.flipKey') }, on: { click: () => this.flip() } },
      icon('swap'),
      el('span', { text: t('pictures.flip') })
    )
    this.said = el('span', { class: 'gs-pictures-said', attr: { role: 'status' } })
    this.calmLine = el('span', { text: t('pictures.calm') })
    this.element = el('div', 'gs-pictures-blink', this.play, this.turn, this.said, this.calmLine)
    this.#calm.addEventListener('change', () => this.#on && this.begin(), { signal })
    signal.addEventListener('abort', () => this.end())
    this.#dress()
  }

  /** Called when blinking is chosen. */
  begin() {
    this.#on = true
    if (this.#calm.matches) this.#stop()
    else this.#start()
  }

  /** Called when something else is chosen. */
  end() {
    this.#on = false
    this.#stop()
  }

  /** Change the picture by hand; what moved by itself stands still from then on. */
  flip() {
    this.#stop()
    this.#turn()
    this.said.textContent = this.t('pictures.shown', { letter: this.#second ? 'B' : 'A' })
  }

  #turn() {
    this.#second = !this.#second
    this.show(this.#second)
  }

  #start() {
    this.#timer ??= setInterval(() => this.#turn(), STAY)
    this.#dress()
  }

  #stop() {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#dress()
  }

  #dress() {
    const playing = this.#timer !== null
    const label = this.t(playing ? 'pictures.pause' : 'pictures.play')
    fill(this.play, icon(playing ? 'pause' : 'run'), el('span', { text: label }))
    this.play.hidden = this.#calm.matches
    this.calmLine.hidden = !this.#calm.matches
    if (playing) this.said.textContent = ''
  }
}
