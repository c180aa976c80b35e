/**
 * Two pictures and what differs between them: side by side, under a slider, in turns, or as a heat map, with one zoom
 * and one place for both.
 */

import { el, fill, linkStyles } from './dom.js'
import { Blink } from './pictures/blink.js'
import { createDivider } from './pictures/divider.js'
import { Figures } from './pictures/figures.js'
import { listenGestures } from './pictures/gestures.js'
import { Heat } from './pictures/heat.js'
import { arrange } from './pictures/layout.js'
import { Pane } from './pictures/pane.js'
import { Toolbar } from './pictures/toolbar.js'
import { Viewport } from './pictures/viewport.js'

/** @typedef {import('./pictures/figures.js').Pixels} Pixels */
/** @typedef {import('./pictures/toolbar.js').Mode} Mode */
/** @typedef {import('./pictures/viewport.js').Size} Size */
/** @typedef {import('./types').Words} Words */

/**
 * @typedef {object} PictureSource
 * @property {string} url the caller's own: where it is an object URL, the caller revokes it after the next `show`
 * @property {string} name shown as text
 * @property {number} width in pixels, as they lie in the file; 0 where it is not known
 * @property {number} height
 * @property {string} [pixels_sha256] shown where both pictures have one
 */

/**
 * @typedef {object} Pictures
 * @property {HTMLElement} element
 * @property {(a: PictureSource | null, b: PictureSource | null, pixels: Pixels | null, heat: () => Promise<Blob>) =>
 *   void} show a pair, one picture, or nothing; pictures whose `url` stays are not read again. `heat` is called once
 *   for a pair, and only when somebody wants to see the map; what it rejects with is shown in one line
 * @property {() => void} destroy removes what it added and frees the heat map; call it once
 */

/** CSS pixels that one press of an arrow key moves. */
const PAN = 48
/** The largest share of the window's height that the pictures take in the panel. */
const TALLEST = 0.55

/**
 * @param {Words} t
 * @returns {Pictures}
 */
export function createPictures(t) {
  linkStyles('pictures')
  const pictures = new TwoPictures(t)
  return {
    element: pictures.element,
    show: (a, b, pixels, heat) => pictures.show(a, b, pixels, heat),
    destroy: () => pictures.destroy()
  }
}

class TwoPictures {
  #end = new AbortController()
  #viewport = new Viewport()
  /** @type {Mode} */
  #mode = 'side'
  /** @type {PictureSource | null} */
  #a = null
  /** @type {PictureSource | null} */
  #b = null
  /** @type {Pixels | null} */
  #pixels = null
  #frame = 0

  /** @param {Words} t */
  constructor(t) {
    const { signal } = this.#end
    this.t = t
    this.panes = { a: new Pane('a', 'A'), b: new Pane('b', 'B'), heat: new Pane('heat', '') }
    const does = {
      mode: (/** @type {Mode} */ mode) => this.#choose(mode),
      key: (/** @type {string} */ key) => this.#zoomKey(key),
      window: () => (this.dialog.open ? this.dialog.close() : this.#fillWindow())
    }
    this.toolbar = new Toolbar(does, t)
    this.names = el('div', 'gs-pictures-names')
    const reached = { role: 'application', tabindex: 0, 'aria-label': t('pictures.stage') }
    this.stage = el(
      'div',
      { class: 'gs-pictures-stage', attr: reached },
      this.panes.a.element,
      this.panes.b.element,
      this.panes.heat.element
    )
    this.divider = createDivider(this.stage, t)
    this.stage.append(this.divider)
    this.blink = new Blink((second) => this.stage.classList.toggle('gs-second', second), t, signal)
    this.heat = new Heat(this.panes.heat, () => this.#draw(), t)
    this.notice = el('p', { class: 'gs-pictures-line', attr: { role: 'status' } })
    this.figures = new Figures(t)
    this.body = el(
      'div',
      'gs-pictures-body',
      this.toolbar.element,
      this.notice,
      this.names,
      this.stage,
      this.blink.element,
      this.heat.element,
      this.figures.element
    )
    const named = { 'aria-label': t('pictures.title') }
    this.dialog = el('dialog', { class: 'gs-pictures-window', attr: named })
    this.element = el('section', { class: 'gs-pictures', attr: named }, this.body, this.dialog)
    this.sizes = new ResizeObserver(() => this.#drawSoon())
    this.sizes.observe(this.stage)
    this.#listen(signal)
    this.#dress()
  }

  /**
   * @param {PictureSource | null} a
   * @param {PictureSource | null} b
   * @param {Pixels | null} pixels
   * @param {() => Promise<Blob>} heat
   */
  show(a, b, pixels, heat) {
    if (JSON.stringify([a, b, pixels]) === JSON.stringify([this.#a, this.#b, this.#pixels])) return
    const changed = a?.url !== this.#a?.url || b?.url !== this.#b?.url
    this.#a = a
    this.#b = b
    this.#pixels = pixels
    if (changed) this.heat.renew(heat)
    this.#load(this.panes.a, a, 'A')
    this.#load(this.panes.b, b, 'B')
    this.#dress()
  }

  destroy() {
    this.#end.abort()
    this.sizes.disconnect()
    cancelAnimationFrame(this.#frame)
    if (this.dialog.open) this.dialog.close()
    this.heat.renew(() => Promise.reject(new Error()))
    this.panes.a.clear()
    this.panes.b.clear()
    this.element.remove()
  }

  /**
   * @param {Pane} pane
   * @param {PictureSource | null} source
   * @param {string} letter
   */
  #load(pane, source, letter) {
    pane.element.hidden = !source
    if (!source) return pane.clear()
    const { url, name, width, height } = source
    const lines = {
      loading: this.t('pictures.loading'),
      failed: this.t('pictures.unread', { name })
    }
    const size = width && height ? { width, height } : null
    const done = pane.load(url, this.t('pictures.alt', { letter, name }), size, lines)
    void done.then(() => this.#end.signal.aborted || this.#dress())
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { stage, dialog } = this
    const moves = {
      zoomBy: this.#moving((/** @type {number} */ factor, /** @type {import('./pictures/viewport.js').Point} */ at) =>
        this.#viewport.zoomBy(factor, at)
      ),
      panBy: this.#moving((/** @type {number} */ across, /** @type {number} */ down) =>
        this.#viewport.panBy(across, down)
      ),
      toggle: this.#moving((/** @type {import('./pictures/viewport.js').Point} */ at) =>
        this.#viewport.fits ? this.#viewport.zoomTo(this.#viewport.real, at) : this.#viewport.fit()
      ),
      fits: () => this.#viewport.fits
    }
    listenGestures(stage, moves, signal)
    addEventListener('resize', () => this.#drawSoon(), { signal })
    this.body.addEventListener('keydown', (event) => this.#key(event))
    dialog.addEventListener('keydown', (event) => event.stopPropagation())
    dialog.addEventListener('close', () => this.#leaveWindow())
  }

  /**
   * @template {any[]} Values
   * @param {(...values: Values) => void} move
   * @returns {(...values: Values) => void} the same, and the pictures follow with the next frame
   */
  #moving(move) {
    return (...values) => {
      move(...values)
      this.#drawSoon()
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    if (!this.#zoomKey(event.key) && !(event.target === this.stage && this.#stageKey(event.key))) return
    event.preventDefault()
    event.stopPropagation()
  }

  /**
   * @param {string} key
   * @returns {boolean} whether it means something
   */
  #zoomKey(key) {
    if (key === '+' || key === '=') this.#viewport.step(1)
    else if (key === '-') this.#viewport.step(-1)
    else if (key === '0') this.#viewport.fit()
    else if (key === '1') this.#viewport.zoomTo(this.#viewport.real)
    else return false
    this.#drawSoon()
    return true
  }

  /**
   * @param {string} key
   * @returns {boolean} whether it means something
   */
  #stageKey(key) {
    const move = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] }[key]
    if (key === ' ' && this.#mode === 'blink') this.blink.flip()
    else if (move) this.#viewport.panBy(move[0], move[1])
    else return false
    this.#drawSoon()
    return true
  }

  /** @param {Mode} mode */
  #choose(mode) {
    this.#mode = mode
    this.#dress()
  }

  #fillWindow() {
    const { height } = this.body.getBoundingClientRect()
    this.element.style.minHeight = `${height}px`
    this.dialog.append(this.body)
    this.dialog.showModal()
    this.#dressWindow()
    this.stage.focus()
  }

  #leaveWindow() {
    this.element.prepend(this.body)
    this.element.style.minHeight = ''
    this.#dressWindow()
    this.toolbar.window.focus()
  }

  #dressWindow() {
    this.toolbar.dressWindow(this.dialog.open)
    this.#drawSoon()
  }

  /** @returns {Size[]} what is known of the sizes of A and B */
  get #known() {
    return [this.panes.a.size, this.panes.b.size].filter((size) => size !== null)
  }

  /** @returns {Mode[]} how these pictures can be shown; nothing where there are not two */
  get #possible() {
    if (!this.#a || !this.#b) return []
    const [a, b] = this.#known
    return b && a.width === b.width && a.height === b.height ? ['side', 'slider', 'blink', 'heat'] : ['side']
  }

  /** Bring everything but the transforms up to date. */
  #dress() {
    const possible = this.#possible
    const mode = possible.includes(this.#mode) ? this.#mode : 'side'
    const before = this.stage.dataset.mode
    this.stage.dataset.mode = mode
    this.element.hidden = !this.#a && !this.#b
    this.toolbar.dress(mode, possible)
    fill(this.names, nameLine('A', this.#a), nameLine('B', this.#b))
    this.blink.element.hidden = mode !== 'blink'
    if (mode === 'blink' && before !== mode) this.blink.begin()
    if (mode !== 'blink') this.blink.end()
    this.#dressHeat(mode)
    this.#dressFigures(possible)
    this.#drawSoon()
  }

  /** @param {Mode} mode */
  #dressHeat(mode) {
    const same = this.#pixels?.largest === 0
    this.heat.element.hidden = mode !== 'heat' || same
    if (mode !== 'heat') return
    if (same) return this.heat.needless()
    this.heat.label(this.#pixels?.largest ?? null)
    void this.heat.want(this.panes.a.size)
  }

  /** @param {Mode[]} possible */
  #dressFigures(possible) {
    const differ = possible.length === 1 && this.#known.length === 2
    this.notice.hidden = !differ
    this.notice.textContent = differ ? this.t('pictures.sizes') : ''
    const pixels = this.#pixels?.same_size && possible.length > 1 ? this.#pixels : null
    this.figures.update(pixels, this.#a?.pixels_sha256, this.#b?.pixels_sha256)
  }

  #drawSoon() {
    if (this.#end.signal.aborted) return
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#draw()
    })
  }

  /** Lay the views out and put the pictures in their places. */
  #draw() {
    const sizes = this.#known
    const { clientWidth: width, clientHeight: height } = this.stage
    if (!sizes.length || !width) return
    const open = this.dialog.open
    const views = this.stage.dataset.mode === 'side' && this.#possible.length ? 2 : 1
    const box = { width, height: open ? height : TALLEST * innerHeight }
    const { columns, rows, view, gap, height: needed } = arrange(sizes, views, box, open, this.#viewport.real)
    const { style } = this.stage
    style.height = open ? '' : `${needed}px`
    style.gap = `${gap}px`
    style.gridTemplate = `repeat(${rows}, ${view.height}px) / repeat(${columns}, ${view.width}px)`
    this.#viewport.origin = this.stage.getBoundingClientRect()
    this.#viewport.resize(view, sizes)
    for (const pane of Object.values(this.panes)) pane.place(this.#viewport)
    this.stage.classList.toggle('gs-fits', this.#viewport.fits)
    this.toolbar.readout.textContent = `${Math.round(100 * this.#viewport.zoom)} %`
  }
}

/**
 * @param {string} letter
 * @param {PictureSource | null} source
 * @returns {HTMLElement | null}
 */
function nameLine(letter, source) {
  if (!source) return null
  const { name, width, height } = source
  const file = el('span', { class: 'gs-pictures-file', text: name, attr: { title: name } })
  const size = width && height ? `${width}\u00a0×\u00a0${height}` : ''
  return el('div', 'gs-pictures-name', el('b', { text: letter }), file, el('small', { text: size }))
}
