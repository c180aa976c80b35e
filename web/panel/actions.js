/** What can be done with two pictures: the bar at the panel's foot. */

import { button, el } from './dom.js'

/**
 * @typedef {import('./types').State} State
 * @typedef {import('./types').Words} Words
 */

/**
 * @param {Words} t
 * @param {{set: () => void, verify: () => void, copy: () => void, save: () => void}} acts
 */
export function createActions(t, acts) {
  const set = button({
    label: t('actions.set'),
    icon: 'apply',
    class: 'gs-button gs-primary',
    attr: { 'aria-haspopup': 'dialog', title: t('actions.setTip') },
    click: acts.set
  })
  const verify = button({
    label: t('actions.verify'),
    icon: 'repeat',
    attr: { title: t('actions.verifyTip') },
    click: acts.verify
  })
  const copy = button({ label: t('actions.copy'), icon: 'copy', bare: true, click: acts.copy })
  const save = button({ label: t('actions.save'), icon: 'save', bare: true, click: acts.save })
  const element = el(
    'div',
    { class: 'gs-actions', attr: { role: 'toolbar', 'aria-label': t('actions.title') } },
    set,
    verify,
    copy,
    save
  )
  return {
    element,

    /** @param {State} state @param {boolean} verifying */
    update({ a, b, comparison }, verifying) {
      element.hidden = !a.side && !b.side
      set.disabled = !(a.side?.has_graph || a.side?.has_workflow || a.side?.facts.length)
      verify.disabled = !b.side?.has_graph || verifying
      copy.disabled = save.disabled = !comparison
    }
  }
}
