/** How one or two views share a box. */

/** @typedef {import('./viewport.js').Size} Size */
/** @typedef {{columns: number, rows: number, view: Size, gap: number, height: number}} Layout in CSS pixels */

/** CSS pixels between two views. */
const GAP = 2
/** CSS pixels after which a pixel of the screen begins with one of them, at the zooms that browsers offer. */
const COARSEST = 20
const NEAR = 0.01
/** CSS pixels; a long strip of a picture still has room for its letter and for a finger. */
const SHORTEST = 120

/**
 * Put the views beside or under each other, whichever shows the pictures larger. All of them begin on a pixel of the
 * screen.
 * @param {Size[]} pictures
 * @param {number} views 1 or 2
 * @param {Size} box what there is, in CSS pixels
 * @param {boolean} fill whether to take all of the box's height, or what the pictures need
 * @param {number} pixel the size of the screen's pixels, in CSS pixels
 * @returns {Layout}
 */
export function arrange(pictures, views, box, fill, pixel) {
  const beside = split(pictures, views, 1, box, fill, pixel)
  if (views === 1) return beside
  const under = split(pictures, 1, views, box, fill, pixel)
  return fit(pictures, under.view) > fit(pictures, beside.view) ? under : beside
}

/**
 * @param {Size[]} pictures
 * @param {number} columns
 * @param {number} rows
 * @param {Size} box
 * @param {boolean} fill
 * @param {number} pixel
 * @returns {Layout}
 */
function split(pictures, columns, rows, box, fill, pixel) {
  const width = side(box.width, columns, pixel)
  const room = side(box.height, rows, pixel)
  const needed = Math.ceil(Math.max(...pictures.map((size) => (width * size.height) / size.width)))
  const wanted = Math.max(Math.min(needed, room), SHORTEST)
  const height = fill ? room : side(rows * wanted + GAP * (rows - 1), rows, pixel)
  return { columns, rows, view: { width, height }, gap: GAP, height: rows * height + GAP * (rows - 1) }
}

/**
 * @param {number} length CSS pixels for all of them
 * @param {number} views
 * @param {number} pixel
 * @returns {number} the side of one view: whole CSS pixels, such that the next view begins on a pixel of the screen too
 */
function side(length, views, pixel) {
  const most = Math.floor((length + GAP) / views)
  if (views === 1) return most - GAP
  for (let pitch = most; pitch > most - COARSEST; pitch--) {
    const screen = pitch / pixel
    if (Math.abs(screen - Math.round(screen)) < NEAR) return pitch - GAP
  }
  return most - GAP
}

/**
 * @param {Size[]} pictures
 * @param {Size} view
 */
function fit(pictures, view) {
  return Math.min(...pictures.map((size) => Math.min(view.width / size.width, view.height / size.height)))
}
