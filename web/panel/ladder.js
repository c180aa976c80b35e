/** The stages of two pictures, from the prompt to the pixels: where they part first. */

import { button, el, fill, icon } from './dom.js'

/**
 * @typedef {import('./types').Stage} Stage
 * @typedef {import('./types').Words} Words
 */

/** @param {Stage} stage */
const state = ({ same }) => (same === null ? 'unknown' : same ? 'same' : 'different')

/**
 * Returns the stages run by run, the run that breaks first at the front, and those of the whole picture.
 * @param {readonly Stage[]} stages
 */
export function byRun(stages) {
  const runs = [...new Set(stages.map(({ run }) => run))].filter((run) => run !== null)
  const own = runs.map((run) => stages.filter((stage) => stage.run === run))
  const first = own.findIndex((run) => run.some(({ same }) => same === false))
  return { runs: own, first: Math.max(first, 0), whole: stages.filter(({ run }) => run === null) }
}

/** @param {Words} t */
export function createLadder(t) {
  const list = el('div', 'gs-runs')
  const element = el('section', { class: 'gs-section', attr: { 'aria-label': t('ladder.title') } })
  const title = el('h3', { class: 'gs-title', text: t('ladder.title') })

  /** @param {readonly Stage[]} stages @param {string} name */
  function rungs(stages, name) {
    const broken = stages.findIndex(({ same }) => same === false)
    return el(
      'ol',
      { class: 'gs-ladder', attr: { 'aria-label': name } },
      ...stages.map((stage, place) => rung(stage, place === broken, t))
    )
  }

  return {
    element,

    /** @param {import('./types').Comparison | null} comparison */
    update(comparison) {
      element.hidden = !comparison?.stages.length
      if (!comparison) return
      const { runs, first, whole } = byRun(comparison.stages)
      fill(list, rungs([...(runs[first] ?? []), ...whole], t('ladder.title')))
      fill(element, title, list)
      if (runs.length < 2) return
      title.textContent = t('ladder.run', { run: first + 1, count: runs.length })
      const more = button({
        label: t('ladder.all', { count: runs.length }),
        class: 'gs-link',
        attr: { 'aria-expanded': 'false' },
        click: () => {
          const open = more.getAttribute('aria-expanded') !== 'true'
          more.setAttribute('aria-expanded', String(open))
          rest.hidden = !open
        }
      })
      const rest = el(
        'div',
        'gs-rest',
        ...runs.flatMap((run, place) => [
          el('h4', { class: 'gs-subtitle', text: t('ladder.one', { run: place + 1 }) }),
          rungs(run, t('ladder.one', { run: place + 1 }))
        ])
      )
      rest.hidden = true
      element.append(more, rest)
    }
  }
}

/** @param {Stage} stage @param {boolean} first @param {Words} t */
function rung(stage, first, t) {
  const found = state(stage)
  const distance = stage.distance ? t('ladder.distance', { distance: Number(stage.distance.toPrecision(2)) }) : ''
  return el(
    'li',
    { class: `gs-rung gs-is-${found}${first ? ' gs-first' : ''}`, attr: { title: distance } },
    el('span', 'gs-dot', icon(found)),
    el('span', { class: 'gs-rung-name', text: t(`stage.${stage.stage}`) }),
    el('span', { class: 'gs-rung-state', text: t(first ? 'ladder.first' : `ladder.${found}`) })
  )
}
