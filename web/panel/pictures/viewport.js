/** Where pictures stand in their views: one zoom and one place, shared by all. */

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number}} Point */

/** Times the real size that a picture can be enlarged to. */
const LARGEST = 64
/** How much one press of + or − changes. */
const STEP = Math.SQRT2
const NEAR = 1e-6

/**
 * The zoom and the place of pictures that lie in views of one size. Scales are in CSS pixels for one pixel of a
 * picture. Pictures of one size always have the same transform; others are fitted each on its own, and share the
 * place as a share of width and height.
 */
export class Viewport {
  /** @type {Size} of one view, in CSS pixels */
  view = { width: 1, height: 1 }
  /** @type {Point} the corner of a view in the window, in CSS pixels */
  origin = { x: 0, y: 0 }
  /** @type {Size[]} in pixels; the first one sets what 100 % means */
  pictures = []
  /** @type {number | null} of the first picture; null while it fits the view */
  #scale = null
  /** What lies in the middle of a view, as shares of a picture's width and height. */
  #x = 0.5
  #y = 0.5

  /** @returns {boolean} whether the whole picture is shown, as large as it can be */
  get fits() {
    return this.#scale === null
  }

  /** @returns {number} the scale at which a pixel of the picture is a pixel of the screen */
  get real() {
    return 1 / (globalThis.devicePixelRatio || 1)
  }

  /** @returns {number} the zoom of the first picture; 1 is 100 % */
  get zoom() {
    return this.pictures.length ? this.scaleOf(this.pictures[0]) / this.real : 1
  }

  /**
   * @param {Size} view
   * @param {Size[]} pictures
   */
  resize(view, pictures) {
    const [before] = this.pictures
    const [after] = pictures
    this.view = view
    this.pictures = pictures
    if (before && after && (before.width !== after.width || before.height !== after.height)) this.fit()
    this.#clamp()
  }

  fit() {
    this.#scale = null
    this.#x = this.#y = 0.5
  }

  /** @param {Size} picture */
  #fitOf(picture) {
    return Math.min(this.view.width / picture.width, this.view.height / picture.height)
  }

  /** @param {Size} picture */
  scaleOf(picture) {
    const fit = this.#fitOf(picture)
    return this.#scale === null ? fit : (this.#scale / this.#fitOf(this.pictures[0])) * fit
  }

  /**
   * Zoom, and keep what lies under one point of the view where it is.
   * @param {number} scale of the first picture
   * @param {Point} [at] in CSS pixels from the view's corner; by default its middle
   */
  zoomTo(scale, at = { x: this.view.width / 2, y: this.view.height / 2 }) {
    const [picture] = this.pictures
    if (!picture) return
    const fit = this.#fitOf(picture)
    const before = this.scaleOf(picture)
    const least = Math.min(fit, this.real)
    const after = Math.min(Math.max(scale, least), Math.max(fit, LARGEST * this.real))
    const across = (at.x - this.view.width / 2) / picture.width
    const down = (at.y - this.view.height / 2) / picture.height
    this.#x += across / before - across / after
    this.#y += down / before - down / after
    this.#scale = Math.abs(after / fit - 1) < NEAR ? null : after
    this.#clamp()
  }

  /**
   * @param {number} factor
   * @param {Point} [at]
   */
  zoomBy(factor, at) {
    if (this.pictures.length) this.zoomTo(this.scaleOf(this.pictures[0]) * factor, at)
  }

  /**
   * One step larger or smaller. A step that would jump over 100 % stops there, and so does a step back that would
   * jump over the whole picture.
   * @param {1 | -1} direction
   */
  step(direction) {
    const [picture] = this.pictures
    if (!picture) return
    const before = this.scaleOf(picture)
    const after = before * STEP ** direction
    const stops = direction > 0 ? [this.real] : [this.real, this.#fitOf(picture)].sort((a, b) => b - a)
    const passed = (/** @type {number} */ stop) =>
      (stop - before) * direction > NEAR * before && (after - stop) * direction > 0
    this.zoomTo(stops.find(passed) ?? after)
  }

  /**
   * Move the pictures by so many CSS pixels.
   * @param {number} across
   * @param {number} down
   */
  panBy(across, down) {
    const [picture] = this.pictures
    if (!picture) return
    const scale = this.scaleOf(picture)
    this.#x -= across / (picture.width * scale)
    this.#y -= down / (picture.height * scale)
    this.#clamp()
  }

  /** Keep a picture that is larger than its view from leaving a gap, and a smaller one in the middle. */
  #clamp() {
    const half = (/** @type {'width' | 'height'} */ side) =>
      Math.min(...this.pictures.map((size) => this.view[side] / 2 / (size[side] * this.scaleOf(size))), 0.5)
    const within = (/** @type {number} */ value, /** @type {number} */ least) =>
      Math.min(Math.max(value, least), 1 - least)
    this.#x = within(this.#x, half('width'))
    this.#y = within(this.#y, half('height'))
  }

  /**
   * Return where a picture's corner lies in its view, on a whole pixel of the screen, and its scale.
   * @param {Size} picture
   * @returns {{scale: number, left: number, top: number, pixelated: boolean}}
   */
  place(picture) {
    const scale = this.scaleOf(picture)
    const whole = (/** @type {number} */ value, /** @type {number} */ origin) =>
      Math.round((value + origin) / this.real) * this.real - origin
    return {
      scale,
      left: whole(this.view.width / 2 - this.#x * picture.width * scale, this.origin.x),
      top: whole(this.view.height / 2 - this.#y * picture.height * scale, this.origin.y),
      pixelated: scale > this.real * (1 + NEAR)
    }
  }
}
