/** Ways for a picture into a place: chosen, dropped, pasted, or named by the host. */

import { choose } from './chooser.js'
import { takeDrops } from './drop.js'

/**
 * @typedef {import('./types').FileRef} FileRef
 * @typedef {import('./types').Which} Which
 * @typedef {import('./panel.js').Parts} Parts
 */

/**
 * @param {HTMLElement} root where pictures are dropped and pasted
 * @param {Pick<Parts, 'host' | 'routes' | 'model' | 't'>} parts
 */
export function createIntake(root, { host, routes, model, t }) {
  /** @param {Which} which */
  function chooseFor(which) {
    choose(root, which, t, {
      sources: {
        graph: async () => host.loadedPictures().map(({ ref }) => ref),
        outputs: routes.outputs,
        history: host.historyPictures
      },
      offered: host.loadedPictures().length > 0,
      url: (ref) => host.viewUrl(ref, true),
      takeRef: (ref) => put(which, ref),
      takeFile: (file) => takeFiles([file], which)
    })
  }

  /** @param {Which} which @param {FileRef} ref */
  function put(which, ref) {
    return model.set({ [which]: { name: ref.filename, source: { ref }, url: host.viewUrl(ref) } })
  }

  /**
   * Two files fill both places; one goes where it was dropped, else where room is.
   * @param {File[]} files
   * @param {Which | null} which
   */
  function takeFiles(files, which) {
    closeChooser()
    const [first, second] = files.map((file) => ({ name: file.name, source: { file }, url: URL.createObjectURL(file) }))
    return model.set(second ? { a: first, b: second } : { [which ?? free()]: first })
  }

  /** @param {string} address @param {Which | null} which */
  function takeAddress(address, which) {
    const ref = host.refOfUrl(address)
    if (!ref) return false
    closeChooser()
    put(which ?? free(), ref)
    return true
  }

  function closeChooser() {
    const open = root.querySelector('dialog[data-which]')
    if (open instanceof HTMLDialogElement) open.close()
  }

  const free = () => (model.state.a.picture ? 'b' : 'a')

  takeDrops(root, { files: takeFiles, address: takeAddress })
  return { put, chooseFor }
}
