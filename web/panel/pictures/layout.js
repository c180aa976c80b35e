/** How one or two views share a box. */

/** @typedef {import('./viewport.js').Size} Size */
/** @typedef {{columns: number, rows: number, view: Size, height: number}} Layout in CSS pixels, all whole */

/** CSS pixels between two views. */
export const GAP = 2
/** CSS pixels; a long strip of a picture still has room for its letter and for a finger. */
const SHORTEST = 120

/**
 * Put the views beside or under each other, whichever shows the pictures larger.
 * @param {Size[]} pictures
 * @param {number} views 1 or 2
 * @param {Size} box what there is, in CSS pixels
 * @param {boolean} fill whether to take all of the box's height, or what the pictures need
 * @returns {Layout}
 */
export function arrange(pictures, views, box, fill) {
  const beside = split(pictures, views, 1, box, fill)
  if (views === 1) return beside
  const under = split(pictures, 1, views, box, fill)
  return fit(pictures, under.view) > fit(pictures, beside.view) ? under : beside
}

/**
 * @param {Size[]} pictures
 * @param {number} columns
 * @param {number} rows
 * @param {Size} box
 * @param {boolean} fill
 * @returns {Layout}
 */
function split(pictures, columns, rows, box, fill) {
  const width = Math.floor((box.width - GAP * (columns - 1)) / columns)
  const room = Math.floor((box.height - GAP * (rows - 1)) / rows)
  const needed = Math.ceil(Math.max(...pictures.map((size) => (width * size.height) / size.width)))
  const height = fill ? room : Math.min(Math.max(needed, SHORTEST), Math.max(room, SHORTEST))
  return { columns, rows, view: { width, height }, height: rows * height + GAP * (rows - 1) }
}

/**
 * @param {Size[]} pictures
 * @param {Size} view
 */
function fit(pictures, view) {
  return Math.min(...pictures.map((size) => Math.min(view.width / size.width, view.height / size.height)))
}
