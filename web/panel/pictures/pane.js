/** One view with one picture in it: it loads, shows and moves a picture, or says in one line that it cannot. */

import { el } from '../dom.js'

/** @typedef {import('./viewport.js').Size} Size */
/** @typedef {import('./viewport.js').Viewport} Viewport */

export class Pane {
  /** @type {HTMLImageElement | null} */
  #image = null
  #note = el('p', 'gs-pictures-note')
  #url = ''
  /** @type {Size | null} in pixels; null until it is known */
  size = null

  /**
   * @param {string} kind `a`, `b` or `heat`
   * @param {string} letter seen in the corner; nothing where empty
   */
  constructor(kind, letter) {
    const corner = { class: 'gs-pictures-letter', text: letter, attr: { 'aria-hidden': 'true' } }
    this.element = el('div', `gs-pictures-view gs-pictures-${kind}`, this.#note, letter && el('span', corner))
  }

  /** @returns {string} what is shown, or being read */
  get url() {
    return this.#url
  }

  /** @returns {boolean} whether a picture is there to be seen */
  get ready() {
    return this.#image !== null && this.#image.isConnected
  }

  /** @param {string} text one line in place of the picture */
  say(text) {
    this.#note.textContent = text
  }

  clear() {
    this.#image?.remove()
    this.#image = null
    this.#url = ''
    this.size = null
    this.say('')
  }

  /**
   * Read a picture and show it. A picture that is shown already stays as it is.
   * @param {string} url
   * @param {string} alt
   * @param {Size | null} size in pixels, where it is known
   * @param {{loading: string, failed: string}} lines what to say meanwhile, and when it cannot be read
   * @returns {Promise<void>} done when it can be seen, or when the line stands
   */
  async load(url, alt, size, lines) {
    if (url === this.#url && this.#image) {
      this.#image.alt = alt
      if (size) this.#resize(this.#image, size)
      return
    }
    this.clear()
    this.#url = url
    this.size = size
    this.say(lines.loading)
    const image = el('img', { class: 'gs-pictures-image', attr: { alt, draggable: 'false' } })
    image.decoding = 'async'
    image.src = url
    this.#image = image
    let line = ''
    try {
      await image.decode()
    } catch {
      line = lines.failed
    }
    if (this.#image !== image) return
    this.say(line)
    if (line) {
      this.#image = null
      return
    }
    this.#resize(image, this.size ?? { width: image.naturalWidth, height: image.naturalHeight })
    this.element.prepend(image)
  }

  /**
   * @param {HTMLImageElement} image
   * @param {Size} size
   */
  #resize(image, size) {
    this.size = size
    image.style.width = `${size.width}px`
    image.style.height = `${size.height}px`
  }

  /** @param {Viewport} viewport */
  place(viewport) {
    if (!this.#image || !this.size) return
    const { scale, left, top, pixelated } = viewport.place(this.size)
    this.#image.style.transform = `translate(${left}px, ${top}px) scale(${scale})`
    this.#image.classList.toggle('gs-pixelated', pixelated)
  }
}
