/** Text to the clipboard, or to a file of the user's. */

import { el } from './dom.js'

/**
 * Copies a text and says whether that went well. Pages that are not served securely have no clipboard but the old one.
 * @param {string} text
 * @param {Element} root
 */
export async function copyText(text, root) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = el('textarea', { class: 'gs-unseen', attr: { 'aria-hidden': 'true', tabindex: -1 } })
    const focused = document.activeElement
    area.value = text
    root.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    if (focused instanceof HTMLElement) focused.focus()
    return copied
  }
}

/**
 * @param {string} text
 * @param {string} filename
 */
export function saveText(text, filename) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/html' }))
  el('a', { attr: { href: url, download: filename } }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10000)
}
