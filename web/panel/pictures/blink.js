/** A and B in turn, in one place: by itself where people have not asked for less motion, else by hand. */

import { button, icon, make } from './dom.js'

/** @typedef {(key: string, values?: object) => string} Translate */

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
   * @param {Translate} t
   * @param {AbortSignal} signal stops it for good
   */
  constructor(show, t, signal) {
    this.show = show
    this.t = t
    this.play = button(t('pictures.pause'), 'pause', t('pictures.pause'))
    this.turn = button(t('pictures.flipKey'), 'flip', t('pictures.flip'))
    this.said = make('span', 'gs-pictures-said', { role: 'status' })
    this.calmLine = make('span', 'gs-pictures-hint', {}, t('pictures.calm'))
    this.element = make('div', 'gs-pictures-blink', {}, this.play, this.turn, this.said, this.calmLine)
    this.play.addEventListener('click', () => (this.#timer === null ? this.#start() : this.#stop()))
    this.turn.addEventListener('click', () => this.flip())
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
    this.play.replaceChildren(icon(playing ? 'pause' : 'play'), make('span', '', {}, label))
    this.play.title = label
    this.play.hidden = this.#calm.matches
    this.calmLine.hidden = !this.#calm.matches
    if (playing) this.said.textContent = ''
  }
}
