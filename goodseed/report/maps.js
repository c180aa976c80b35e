// The report's maps: the seed under the pointer, or chosen by keys, is lit on all of them, with its figures and
// pictures beside. Without this script they are plain plots. It asks for nothing and writes texts only.

/**
 * @typedef {{ name: string, unit: string, decimals: number, steps: string, values: number[], held: number[] | null,
 *   low: string, high: string, ramp: string }} Column
 * @typedef {{ seeds: string, columns: Column[], marks: { name: string, members: number[] }[] }} Data
 * @typedef {{ x: number, y: number }} Place In the units of the map, y downwards.
 * @typedef {{ box: HTMLElement, svg: SVGSVGElement, places: Place[] }} Plot
 */

const SIDE = 1000
/** How far the pointer may be from a seed, in pixels. */
const NEAR = 18
/** Width of a digit beside a seed, in the units of the map. */
const LETTER = 19
const MOST_PICTURES = 12
const FEW_PICTURES = 3
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

const atlas = document.querySelector('.atlas')
const written = document.getElementById('maps-data')?.textContent
if (atlas instanceof HTMLElement && written) start(atlas, JSON.parse(written))

/** @param {HTMLElement} root @param {Data} data */
function start(root, data) {
  const seeds = data.seeds.split(' ')
  const indexOf = new Map(seeds.map((seed, index) => [seed, index]))
  const plots = [...root.querySelectorAll('.plot')].map((box) => plotOf(box, data, seeds.length))
  const pictured = new Set(seeds.flatMap((seed, index) => (picturesOf(seed).length ? [index] : [])))
  const card = found(root, '.one-seed', HTMLElement)
  const tools = root.querySelector('.tools')
  const said = root.querySelector('.said')
  /** @type {number | null} */
  let kept = null
  /** @type {number | null} */
  let lit = null
  let by = 0

  /** @param {number | null} index */
  function light(index) {
    if (index === lit) return
    lit = index
    show()
  }

  /** @param {number | null} index */
  function keep(index) {
    for (const image of document.querySelectorAll('img.is-kept')) image.classList.remove('is-kept')
    kept = index
    lit = index
    for (const image of index === null ? [] : picturesOf(seeds[index])) image.classList.add('is-kept')
    show()
  }

  function show() {
    for (const plot of plots) {
      point(plot, 'kept', kept === null ? null : { place: plot.places[kept], seed: seeds[kept] })
      const other = lit === kept ? null : lit
      point(plot, 'lit', other === null ? null : { place: plot.places[other], seed: seeds[other] })
    }
    fill(lit ?? kept)
  }

  /** @param {number | null} index */
  function fill(index) {
    if (index === null) {
      const hint = 'Point at a seed, or go to a map and press an arrow key.'
      card.replaceChildren(element('p', `${hint} A click or Enter keeps the seed, Escape lets it go.`))
      return
    }
    const head = element('h3', `Seed ${seeds[index]}`)
    if (index === kept) {
      const button = element('button', 'Let go')
      button.setAttribute('type', 'button')
      button.addEventListener('click', () => {
        keep(null)
        card.focus()
      })
      head.append(button)
    }
    const marks = marksOf(index)
    const list = element('dl')
    data.columns.forEach((column, place) => {
      const term = element('dt', column.name)
      const value = element('dd', shown(column, column.values[index]))
      if (column.held) value.append(element('small', `set 2: ${shown(column, column.held[index])}`))
      if (place === by) term.className = value.className = 'by-this'
      list.append(term, value)
    })
    card.replaceChildren(head, ...(marks ? [element('p', marks)] : []), ...looks(index), list)
  }

  /**
   * Return a seed's pictures; where there are none, some of the nearest seed that has any, and a line that says so.
   * @param {number} index
   */
  function looks(index) {
    if (pictured.has(index)) return [pictures(seeds[index], MOST_PICTURES)]
    if (!pictured.size) return [element('p', 'This report holds no pictures.')]
    const { places } = plots[0]
    const others = [...pictured]
    const near = others[closest(others.map((other) => places[other]), places[index])]
    const map = plots[0].box.closest('figure')?.querySelector('h3')?.textContent
    const text = `This report holds no picture of it. The nearest that it shows, on the map “${map}”, is`
    return [element('p', `${text} seed ${seeds[near]}:`), pictures(seeds[near], FEW_PICTURES)]
  }

  /** @param {number} index */
  function marksOf(index) {
    return data.marks.filter((mark) => mark.members.includes(index)).map((mark) => mark.name).join(' · ')
  }

  /** Say a seed to those who do not see it. @param {number | null} index */
  function say(index) {
    if (!said) return
    const column = data.columns[by]
    const value = index !== null && column ? `: ${column.name} ${shown(column, column.values[index])}` : ''
    const marks = index === null ? '' : marksOf(index)
    said.textContent = index === null ? '' : `Seed ${seeds[index]}${value}${marks ? `, ${marks}` : ''}`
  }

  for (const plot of plots) {
    plot.box.tabIndex = 0
    plot.box.setAttribute('role', 'application')
    const what = plot.svg.getAttribute('aria-label')
    const keys = 'Arrow keys go to the seeds beside, Page Down to the next, Enter keeps one, Escape lets it go.'
    plot.box.setAttribute('aria-label', `${what}. ${keys}`)
    plot.box.addEventListener('pointermove', (event) => light(nearest(plot, event) ?? kept))
    plot.box.addEventListener('pointerleave', () => light(kept))
    plot.box.addEventListener('click', (event) => {
      const index = nearest(plot, event)
      keep(index === kept ? null : index)
      say(kept)
    })
    plot.box.addEventListener('focus', () => {
      if (lit !== null || !plot.box.matches(':focus-visible')) return
      light(kept ?? closest(plot.places, middle(plot)))
      say(lit)
    })
    plot.box.addEventListener('blur', () => light(kept))
    plot.box.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return
      if (event.key === 'Escape') keep(null)
      else if (event.key === 'Enter' || event.key === ' ') keep(lit === kept ? null : lit)
      else {
        const next = moved(plot, lit ?? kept, event.key)
        if (next === null) return
        light(next)
      }
      event.preventDefault()
      say(lit)
    })
  }

  tools?.querySelector('.by')?.addEventListener('change', (event) => {
    by = Number(/** @type {HTMLSelectElement} */ (event.target).value)
    colour(root, plots, data.columns[by])
    fill(lit ?? kept)
  })
  tools?.querySelector('.find')?.addEventListener('input', (event) => {
    const wanted = /** @type {HTMLInputElement} */ (event.target).value.trim()
    const index = indexOf.get(wanted) ?? null
    keep(index)
    if (index === null && said) said.textContent = wanted ? `There is no seed ${wanted} on these maps.` : ''
    else say(index)
  })

  root.classList.add('live')
  tools?.removeAttribute('hidden')
  card.hidden = false
  fill(null)
}

/**
 * Read a plot's places from its dots: one path a colour, seeds in the bank's order.
 * @param {Element} box @param {Data} data @param {number} count @returns {Plot}
 */
function plotOf(box, data, count) {
  const svg = found(box, 'svg', SVGSVGElement)
  const rows = paths(svg).map((path) => [...(path.getAttribute('d') ?? '').matchAll(/M(\d+) (\d+)/g)])
  const steps = data.columns[0]?.steps ?? '0'.repeat(count)
  const next = rows.map(() => 0)
  const places = [...steps].map((step) => {
    const [, x, y] = rows[Number(step)][next[Number(step)]++]
    return { x: Number(x), y: Number(y) }
  })
  return { box: /** @type {HTMLElement} */ (box), svg, places }
}

/** Return the paths of the dots by colour. @param {Element} svg */
function paths(svg) {
  return [0, 1, 2, 3, 4, 5, 6].map((step) => found(svg, `.dots .b${step}`, SVGPathElement))
}

/** @param {HTMLElement} root @param {Plot[]} plots @param {Column} column */
function colour(root, plots, column) {
  for (const plot of plots) {
    const rows = paths(plot.svg).map(() => /** @type {string[]} */ ([]))
    plot.places.forEach(({ x, y }, index) => rows[Number(column.steps[index])].push(`M${x} ${y}h.1`))
    paths(plot.svg).forEach((path, step) => path.setAttribute('d', rows[step].join('')))
    found(plot.svg, '.dots', SVGElement).setAttribute('class', `dots ${column.ramp}`)
  }
  found(root, '.scale', HTMLElement).className = `scale ${column.ramp}`
  for (const part of /** @type {const} */ (['name', 'low', 'high'])) {
    found(root, `.scale .${part}`, HTMLElement).textContent = column[part]
  }
}

/** Put one of the two marks of a seed to its place, or take it away. @param {Plot} plot @param {string} which
 * @param {{ place: Place, seed: string } | null} at */
function point(plot, which, at) {
  const mark = found(plot.svg, `.${which}`, SVGElement)
  mark.classList.toggle('on', at !== null)
  if (at === null) return
  const { x, y } = at.place
  const [circle, text] = mark.children
  circle.setAttribute('cx', String(x))
  circle.setAttribute('cy', String(y))
  text.textContent = at.seed
  const left = x + 32 + LETTER * at.seed.length > SIDE
  text.setAttribute('x', String(left ? x - 32 : x + 32))
  text.setAttribute('text-anchor', left ? 'end' : 'start')
  text.setAttribute('y', String(y < 0.1 * SIDE ? y + 40 : y - 18))
}

/** @param {Plot} plot @param {MouseEvent} event @returns {number | null} */
function nearest(plot, event) {
  const box = plot.svg.getBoundingClientRect()
  const scale = SIDE / box.width
  const at = { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale }
  const index = closest(plot.places, at)
  return Math.hypot(plot.places[index].x - at.x, plot.places[index].y - at.y) <= NEAR * scale ? index : null
}

/** @param {Plot} plot @returns {Place} */
function middle(plot) {
  return { x: SIDE / 2, y: plot.svg.viewBox.baseVal.height / 2 }
}

/** @param {Place[]} places @param {Place} at */
function closest(places, at) {
  let best = 0
  let least = Infinity
  places.forEach(({ x, y }, index) => {
    const far = (x - at.x) ** 2 + (y - at.y) ** 2
    if (far < least) [best, least] = [index, far]
  })
  return best
}

/**
 * Return the seed that a key leads to: an arrow to the nearest one on that side, Page Up and Down to the bank's
 * neighbours, Home and End to its ends.
 * @param {Plot} plot @param {number | null} from @param {string} key @returns {number | null}
 */
function moved(plot, from, key) {
  const last = plot.places.length - 1
  if (key === 'Home') return 0
  if (key === 'End') return last
  if (key === 'PageUp' || key === 'PageDown') {
    return Math.max(0, Math.min(last, (from ?? -1) + (key === 'PageDown' ? 1 : -1)))
  }
  const side = ARROWS[/** @type {keyof typeof ARROWS} */ (key)]
  if (!side) return null
  if (from === null) return closest(plot.places, middle(plot))
  const [right, down] = side
  let best = from
  let least = Infinity
  plot.places.forEach(({ x, y }, index) => {
    const [dx, dy] = [x - plot.places[from].x, y - plot.places[from].y]
    const along = dx * right + dy * down
    const across = Math.abs(dx * down) + Math.abs(dy * right)
    const far = along + 2 * across
    if (along > 0 && across <= 2 * along && far < least) [best, least] = [index, far]
  })
  return best
}

/** @param {string} seed @returns {HTMLImageElement[]} */
function picturesOf(seed) {
  return [...document.querySelectorAll(`img[data-seed="${seed}"]`)].filter((image) => image instanceof HTMLImageElement)
}

/** Return the report's own pictures of a seed, each once. @param {string} seed @param {number} most */
function pictures(seed, most) {
  const once = new Map(picturesOf(seed).map((image) => [image.src, image]))
  const row = element('div')
  row.className = 'shown'
  for (const image of [...once.values()].slice(0, most)) {
    const copy = new Image()
    Object.assign(copy, { src: image.src, alt: image.alt, title: image.title })
    row.append(copy)
  }
  return row
}

/** @param {Column} column @param {number} value */
function shown(column, value) {
  const places = { minimumFractionDigits: column.decimals, maximumFractionDigits: column.decimals }
  return value.toLocaleString('en-US', places).replace('-', '\u2212') + column.unit
}

/** @param {string} name @param {string} [text] */
function element(name, text) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  return made
}

/**
 * Return what must be in the page.
 * @template {Element} T
 * @param {Element} within @param {string} selector @param {new () => T} kind @returns {T}
 */
function found(within, selector, kind) {
  const there = within.querySelector(selector)
  if (!(there instanceof kind)) throw new Error(`the page lacks ${selector}`)
  return there
}
