/** Where a picture is chosen: the graph's own, the outputs, what ran lately, or a file of the user's. */

import { openDialog } from './dialog.js'
import { button, el, fill, inParts } from './dom.js'
import { tabs } from './tabs.js'

/**
 * @typedef {import('./types').FileRef} FileRef
 * @typedef {import('./types').Which} Which
 * @typedef {import('./types').Words} Words
 * @typedef {Record<'graph' | 'outputs' | 'history', () => Promise<FileRef[]>>} Sources
 */

const AT_ONCE = 24

/**
 * Opens the dialog that fills a place.
 * @param {Element} parent
 * @param {Which} which
 * @param {Words} t
 * @param {object} acts
 * @param {Sources} acts.sources
 * @param {boolean} acts.offered whether the graph has pictures of its own
 * @param {(ref: FileRef) => string} acts.url
 * @param {(ref: FileRef) => void} acts.takeRef
 * @param {(file: File) => void} acts.takeFile
 */
export function choose(parent, which, t, { sources, offered, url, takeRef, takeFile }) {
  const input = el('input', {
    class: 'gs-unseen',
    attr: { type: 'file', accept: 'image/*', tabindex: -1, 'aria-hidden': 'true' }
  })
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    dialog.close()
    if (file) takeFile(file)
  })

  /** @param {FileRef} ref */
  function thumb(ref) {
    const name = ref.subfolder ? `${ref.subfolder}/${ref.filename}` : ref.filename
    return el(
      'li',
      {},
      el(
        'button',
        {
          class: 'gs-thumb',
          attr: { type: 'button', title: name, 'aria-label': name },
          on: {
            click: () => {
              dialog.close()
              takeRef(ref)
            }
          }
        },
        el('img', { attr: { src: url(ref), alt: '', loading: 'lazy' } }),
        el('span', { class: 'gs-name', text: ref.filename })
      )
    )
  }

  const kinds = /** @type {const} */ (['graph', 'outputs', 'history'])
  const pages = kinds.map((kind) => ({
    name: t(`choose.${kind}`),
    element: el('div', 'gs-page'),
    show: () => fillPage(kind)
  }))

  /** @param {typeof kinds[number]} kind */
  async function fillPage(kind) {
    const { element } = pages[kinds.indexOf(kind)]
    if (element.childElementCount) return
    fill(element, el('p', { class: 'gs-empty', text: t('choose.busy') }))
    try {
      const refs = await sources[kind]()
      const list = el('ul', 'gs-thumbs')
      inParts(list, unique(refs), thumb, { size: AT_ONCE, more: (left) => t('more', { count: left }) })
      fill(element, refs.length ? list : el('p', { class: 'gs-empty', text: t(`choose.none.${kind}`) }))
    } catch (error) {
      fill(element, el('p', { class: 'gs-error', text: error instanceof Error ? error.message : String(error) }))
    }
  }

  const list = tabs(pages, t('choose.from'))
  const file = button({ label: t('choose.file'), icon: 'picture', click: () => input.click() })
  const dialog = openDialog(parent, {
    title: t('choose.title', { letter: which.toUpperCase() }),
    close: t('close'),
    wide: true,
    body: el(
      'div',
      {},
      el('div', 'gs-file', file, input, el('span', { class: 'gs-hint', text: t('choose.hint') })),
      list.element
    )
  })
  dialog.dataset.which = which // what is dropped or pasted on the dialog is for this place
  if (!offered) list.select(kinds.indexOf('outputs'))
  file.focus()
}

/** @param {readonly FileRef[]} refs */
function unique(refs) {
  return [...new Map(refs.map((ref) => [`${ref.type}/${ref.subfolder}/${ref.filename}`, ref])).values()]
}
