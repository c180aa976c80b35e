/** The two places: A, the picture to reach, and B, the one that came out otherwise. */

import { button, el, fill, icon } from './dom.js'

/**
 * @typedef {import('./types').Slot} Slot
 * @typedef {import('./types').State} State
 * @typedef {import('./types').Which} Which
 * @typedef {import('./types').Words} Words
 * @typedef {Record<'choose' | 'clear' | 'open', (which: Which) => void> & {swap: () => void}} Acts
 */

/**
 * @param {Words} t
 * @param {Acts} acts
 */
export function createSlots(t, acts) {
  const a = createSlot('a', t, acts)
  const b = createSlot('b', t, acts)
  const swap = button({ label: t('slots.swap'), icon: 'swap', bare: true, class: 'gs-swap', click: () => acts.swap() })
  return {
    element: el('div', 'gs-slots', a.element, swap, b.element),

    /** @param {State} state */
    update(state) {
      a.update(state.a)
      b.update(state.b)
      swap.disabled = !state.a.picture && !state.b.picture
    },

    /** @param {Which} which */
    focus: (which) => (which === 'a' ? a : b).focus()
  }
}

/** @param {Which} which @param {Words} t @param {Acts} acts */
function createSlot(which, t, acts) {
  const letter = which.toUpperCase()
  const choose = el('button', {
    class: 'gs-choose',
    attr: { type: 'button', 'aria-haspopup': 'dialog' },
    on: { click: () => acts.choose(which) }
  })
  const open = button({
    label: t('slots.open', { letter }),
    icon: 'open',
    bare: true,
    class: 'gs-small',
    click: () => acts.open(which)
  })
  const clear = button({
    label: t('slots.clear', { letter }),
    icon: 'close',
    bare: true,
    class: 'gs-small',
    click: () => {
      acts.clear(which)
      choose.focus()
    }
  })
  const text = el('div', 'gs-slot-text')
  const element = el(
    'div',
    { class: 'gs-slot', attr: { role: 'group', 'aria-label': t(`slots.${which}`), 'data-which': which } },
    el(
      'div',
      'gs-slot-head',
      el('span', { class: 'gs-letter', text: letter }),
      el('span', { class: 'gs-role', text: t(`slots.role.${which}`) }),
      open,
      clear
    ),
    choose,
    text
  )
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Delete' && !clear.hidden) clear.click()
    if (event.key === 'Delete' || event.key === 'Backspace') event.stopPropagation() // the host deletes nodes by them
  })

  /** @param {Slot} slot */
  function update(slot) {
    const { picture, side, busy, error } = slot
    element.classList.toggle('gs-filled', picture !== null)
    element.classList.toggle('gs-wrong', error !== '')
    choose.setAttribute(
      'aria-label',
      t(picture ? 'slots.replace' : 'slots.choose', { letter, name: picture?.name ?? '' })
    )
    choose.setAttribute('aria-busy', String(busy))
    fill(choose, ...shown(slot, t))
    open.hidden = !side || !(side.has_workflow || side.has_graph)
    clear.hidden = !picture
    fill(
      text,
      picture && el('div', { class: 'gs-name', text: picture.name, attr: { title: picture.name } }),
      side && el('div', { class: 'gs-meta', text: meta(side, t) }),
      error
        ? el('div', { class: 'gs-error', attr: { role: 'alert' } }, icon('warning'), el('span', { text: error }))
        : null
    )
  }
  return { element, update, focus: () => choose.focus() }
}

/** @param {Slot} slot @param {Words} t @returns {Node[]} */
function shown({ picture, side, busy }, t) {
  if (picture && side) {
    // The picture is shown only once the server has found its size sound.
    const image = el('img', { attr: { src: picture.url, alt: '', draggable: 'false', decoding: 'async' } })
    image.addEventListener('error', () => image.replaceWith(icon('picture')), { once: true })
    return busy ? [image, el('span', 'gs-spinner')] : [image]
  }
  if (busy) return [el('span', 'gs-spinner')]
  return [icon('picture'), el('span', { class: 'gs-hint', text: t('slots.hint') })]
}

/** @param {import('./types').Side} side @param {Words} t */
function meta(side, t) {
  const made = side.source === 'none' ? t('slots.noRecord') : t('slots.source', { source: name(side.source) })
  return [`${side.width} × ${side.height}`, side.format, made].join(' · ')
}

/** @param {string} source */
function name(source) {
  return source === 'goodseed'
    ? 'Good Seed'
    : source === 'comfyui'
      ? 'ComfyUI'
      : source.toUpperCase() === 'A1111'
        ? 'A1111'
        : source
}
