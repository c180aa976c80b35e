/** The heat map of the difference: asked for once, when it is first wanted, and its scale. */

import { button, el, fill } from '../dom.js'

/** @typedef {import('./pane.js').Pane} Pane */
/** @typedef {import('./viewport.js').Size} Size */
/** @typedef {import('../types').Words} Words */

/** The colours of differences from 1 to the largest one, at equal steps, as the server draws them. None is black. */
const COLOURS = ['#440f76', '#721f81', '#9e2f7f', '#cd4071', '#f1605d', '#fd9668', '#feca8d', '#fcfdbf']

export class Heat {
  #url = ''
  /** Whether the map of this pair was asked for; a failure is asked for again only by hand. */
  #asked = false
  /** Counts the pairs of pictures, so that a late answer for an earlier pair is dropped. */
  #pair = 0
  /** @type {() => Promise<Blob>} */
  #fetch = () => Promise.reject(new Error())

  /**
   * @param {Pane} pane
   * @param {() => void} changed called when a map can be seen
   * @param {Words} t
   */
  constructor(pane, changed, t) {
    this.pane = pane
    this.changed = changed
    this.t = t
    /** @type {Size | null} */
    this.size = null
    this.ramp = el('span', { class: 'gs-pictures-ramp', attr: { 'aria-hidden': 'true' } })
    this.ramp.style.background = `linear-gradient(90deg, ${COLOURS.join(', ')})`
    this.scale = el('div', 'gs-pictures-scale')
    this.again = button({ label: t('pictures.again'), class: 'gs-pictures-button', click: () => this.#askAgain() })
    this.again.hidden = true
    this.element = el('div', 'gs-pictures-heat-row', this.scale, this.again)
  }

  /**
   * Forget the map of the pair before.
   * @param {() => Promise<Blob>} fetch
   */
  renew(fetch) {
    this.#pair += 1
    this.#asked = false
    this.#fetch = fetch
    this.again.hidden = true
    this.pane.clear()
    this.#free()
  }

  /** Say that there is nothing to draw. */
  needless() {
    this.renew(this.#fetch)
    this.pane.say(this.t('pictures.equal'))
  }

  /** @param {number | null} largest the largest difference, 1 to 255, where it is known */
  label(largest) {
    const { t } = this
    const end = largest === null ? t('pictures.heatMost') : String(largest)
    const black = el('span', { class: 'gs-pictures-black', attr: { 'aria-hidden': 'true' } })
    fill(
      this.scale,
      el('span', 'gs-pictures-chip', black, t('pictures.heatSame')),
      el('span', 'gs-pictures-chip', '1', this.ramp, end)
    )
  }

  /**
   * Show the map; ask the server for it where that has not been done.
   * @param {Size | null} [size] of the pictures
   */
  async want(size = this.size) {
    this.size = size
    if (this.#asked) return
    this.#asked = true
    this.again.hidden = true
    const pair = this.#pair
    this.pane.say(this.t('pictures.heatAsked'))
    try {
      const blob = await this.#fetch()
      if (pair !== this.#pair) return
      this.#url = URL.createObjectURL(blob)
      await this.pane.load(this.#url, this.t('pictures.heatAlt'), size, {
        loading: this.t('pictures.heatAsked'),
        failed: this.t('pictures.heatUnread')
      })
    } catch (error) {
      if (pair !== this.#pair) return
      const why = error instanceof Error ? error.message : String(error)
      this.pane.say(this.t('pictures.heatFailed', { why }))
    }
    if (pair !== this.#pair) return
    this.again.hidden = this.pane.ready
    if (!this.pane.ready) this.#free()
    this.changed()
  }

  #askAgain() {
    this.#asked = false
    void this.want()
  }

  #free() {
    if (this.#url) URL.revokeObjectURL(this.#url)
    this.#url = ''
  }
}
