/** The divider of the slider: A is seen left of it, B right of it. */

import { el, icon } from '../dom.js'

/** @typedef {import('../types').Words} Words */

const KEYS = new Map([
  ['ArrowLeft', -1],
  ['ArrowDown', -1],
  ['ArrowRight', 1],
  ['ArrowUp', 1],
  ['PageDown', -10],
  ['PageUp', 10],
  ['Home', -100],
  ['End', 100]
])

/**
 * @param {HTMLElement} stage gets the place as its style `--gs-divider`, a share of its width
 * @param {Words} t
 * @returns {HTMLElement} the handle
 */
export function createDivider(stage, t) {
  const attr = {
    role: 'slider',
    tabindex: 0,
    'aria-label': t('pictures.divider'),
    'aria-valuemin': 0,
    'aria-valuemax': 100
  }
  const knob = el('span', 'gs-pictures-knob', icon('divider'))
  const handle = el('div', { class: 'gs-pictures-divider', attr }, knob)
  let place = 0.5

  /** @param {number} wanted */
  function move(wanted) {
    place = Math.min(Math.max(wanted, 0), 1)
    const share = Math.round(100 * place)
    stage.style.setProperty('--gs-divider', String(place))
    handle.setAttribute('aria-valuenow', String(share))
    handle.setAttribute('aria-valuetext', t('pictures.divided', { a: share, b: 100 - share }))
  }

  handle.addEventListener('keydown', (event) => {
    const step = KEYS.get(event.key)
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    move(place + step / 100)
  })
  handle.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    event.stopPropagation()
    event.preventDefault()
    handle.focus()
    handle.setPointerCapture(event.pointerId)
  })
  handle.addEventListener('pointermove', (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return
    const box = stage.getBoundingClientRect()
    move((event.clientX - box.x) / box.width)
  })
  handle.addEventListener('dblclick', (event) => event.stopPropagation())
  move(place)
  return handle
}
