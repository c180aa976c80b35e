/** A dialog over the page: the browser keeps the focus in it, closes it with Escape and gives the focus back. */

import { button, el } from './dom.js'

/**
 * Opens a dialog.
 * @param {Element} parent whose style it takes
 * @param {{title: string, close: string, body: Node, foot?: Node | null, wide?: boolean}} options
 *   `close` names the button
 * @returns {HTMLDialogElement} remove it by closing it
 */
export function openDialog(parent, { title, close, body, foot = null, wide = false }) {
  const dialog = el(
    'dialog',
    { class: wide ? 'gs-dialog gs-wide' : 'gs-dialog', attr: { 'aria-label': title } },
    el(
      'div',
      'gs-dialog-head',
      el('h2', { class: 'gs-dialog-title', text: title }),
      button({ label: close, icon: 'close', bare: true, class: 'gs-small', click: () => dialog.close() })
    ),
    el('div', { class: 'gs-dialog-body' }, body),
    foot
  )
  dialog.addEventListener('keydown', (event) => event.stopPropagation()) // the host takes plain letters as commands
  dialog.addEventListener('close', () => dialog.remove())
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close()
  })
  parent.append(dialog)
  dialog.showModal()
  return dialog
}
