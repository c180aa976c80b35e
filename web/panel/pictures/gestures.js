/** Wheel, drag, pinch and keys on the pictures, handed on as zoom and pan. */

/** @typedef {import('./viewport.js').Point} Point */

/**
 * @typedef {object} Moves
 * @property {(factor: number, at: Point) => void} zoomBy `at` in CSS pixels from the corner of the view it began in
 * @property {(across: number, down: number) => void} panBy in CSS pixels
 * @property {() => boolean} fits whether the whole picture is shown
 * @property {(at: Point) => void} toggle fit the view, or show 100 %
 */

/** The share of a notch of a wheel, and of a pinch on a trackpad, which reports smaller numbers. */
const WHEEL = 0.0018
const PINCH = 0.01
/** Pixels that a line of a wheel stands for, where it counts in lines. */
const LINE = 16
/** Milliseconds after the page scrolled in which the wheel still belongs to the page. */
const SCROLLING = 250

/**
 * @param {HTMLElement} stage
 * @param {Moves} moves
 * @param {AbortSignal} signal removes all listeners
 */
export function listenGestures(stage, moves, signal) {
  listenWheel(stage, moves, signal)
  listenPointers(stage, moves, signal)
  stage.addEventListener('dblclick', (event) => moves.toggle(pointIn(stage, event)), { signal })
}

/**
 * A wheel zooms, but never traps a page that is being scrolled: not while the page still scrolls, and not where there
 * is nothing left to make smaller.
 * @param {HTMLElement} stage
 * @param {Moves} moves
 * @param {AbortSignal} signal
 */
function listenWheel(stage, moves, signal) {
  let scrolled = -Infinity
  document.addEventListener(
    'scroll',
    (event) => {
      if (event.target instanceof Node && event.target.contains(stage)) scrolled = event.timeStamp
    },
    { signal, capture: true, passive: true }
  )
  stage.addEventListener(
    'wheel',
    (event) => {
      const away = event.deltaY > 0
      if (!event.ctrlKey && (event.timeStamp - scrolled < SCROLLING || (away && moves.fits()))) return
      event.preventDefault()
      event.stopPropagation()
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * LINE
      moves.zoomBy(Math.exp(-pixels * (event.ctrlKey ? PINCH : WHEEL)), pointIn(stage, event))
    },
    { signal, passive: false }
  )
}

/**
 * One pointer drags, two pinch.
 * @param {HTMLElement} stage
 * @param {Moves} moves
 * @param {AbortSignal} signal
 */
function listenPointers(stage, moves, signal) {
  /** @type {Map<number, Point>} */
  const down = new Map()
  /** @type {Element | null} the view in which a pinch began */
  let view = null

  stage.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0 || down.size === 2) return
      if (!down.size) view = viewAt(stage, event)
      down.set(event.pointerId, { x: event.clientX, y: event.clientY })
      stage.setPointerCapture(event.pointerId)
      stage.classList.add('gs-dragging')
    },
    { signal }
  )
  stage.addEventListener(
    'pointermove',
    (event) => {
      const last = down.get(event.pointerId)
      if (!last) return
      const now = { x: event.clientX, y: event.clientY }
      down.set(event.pointerId, now)
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1]
      if (!other) return moves.panBy(now.x - last.x, now.y - last.y)
      const box = (view ?? stage).getBoundingClientRect()
      const middle = { x: (last.x + other.x) / 2 - box.x, y: (last.y + other.y) / 2 - box.y }
      moves.zoomBy(distance(now, other) / Math.max(distance(last, other), 1), middle)
      moves.panBy((now.x - last.x) / 2, (now.y - last.y) / 2)
    },
    { signal }
  )
  for (const name of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) {
    stage.addEventListener(
      name,
      (event) => {
        down.delete(event.pointerId)
        stage.classList.toggle('gs-dragging', down.size > 0)
      },
      { signal }
    )
  }
}

/**
 * @param {Point} a
 * @param {Point} b
 */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y)
}

/**
 * @param {HTMLElement} stage
 * @param {MouseEvent} event
 * @returns {Element | null} the view under the pointer
 */
function viewAt(stage, event) {
  const target = event.target instanceof Element ? event.target.closest('.gs-pictures-view') : null
  return target && stage.contains(target) ? target : null
}

/**
 * @param {HTMLElement} stage
 * @param {MouseEvent} event
 * @returns {Point} in CSS pixels from the corner of the view under the pointer
 */
function pointIn(stage, event) {
  const box = (viewAt(stage, event) ?? stage).getBoundingClientRect()
  return { x: event.clientX - box.x, y: event.clientY - box.y }
}
