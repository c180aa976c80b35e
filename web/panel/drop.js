/** Pictures dropped or pasted on the panel; the host would open their workflow. */

/** @typedef {import('./types').Which} Which */

/**
 * @param {HTMLElement} root
 * @param {object} takes `which` is the place that was hit, or null
 * @param {(files: File[], which: Which | null) => void} takes.files
 * @param {(address: string, which: Which | null) => boolean} takes.address says whether it is a picture of this server
 */
export function takeDrops(root, { files, address }) {
  /** @param {Event} event */
  const hit = (event) => {
    const slot = event.target instanceof Element ? event.target.closest('[data-which]') : null
    return /** @type {Which | null} */ (slot?.getAttribute('data-which') ?? null)
  }
  const mark = (/** @type {Which | null} */ which, on = true) => {
    root.classList.toggle('gs-dropping', on)
    for (const slot of root.querySelectorAll('[data-which]')) {
      slot.classList.toggle('gs-over', on && (which === null || slot.getAttribute('data-which') === which))
    }
  }
  root.addEventListener('dragover', (event) => {
    const types = event.dataTransfer?.types ?? []
    if (!types.includes('Files') && !types.includes('text/uri-list')) return
    event.preventDefault()
    event.stopPropagation()
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy'
    mark(hit(event))
  })
  root.addEventListener('dragleave', (event) => {
    if (!(event.relatedTarget instanceof Node) || !root.contains(event.relatedTarget)) mark(null, false)
  })
  root.addEventListener('drop', (event) => {
    mark(null, false)
    const data = event.dataTransfer
    if (!data) return
    event.preventDefault()
    event.stopPropagation()
    if (data.files.length) files([...data.files], hit(event))
    else address(data.getData('text/uri-list').split(/\r?\n/)[0], hit(event))
  })
  root.addEventListener('paste', (event) => {
    if (event.target instanceof HTMLInputElement) return
    const pasted = [...(event.clipboardData?.files ?? [])]
    const taken = pasted.length > 0 || address(event.clipboardData?.getData('text/plain') ?? '', hit(event))
    if (pasted.length) files(pasted, hit(event))
    if (!taken) return
    event.preventDefault()
    event.stopPropagation()
  })
}
