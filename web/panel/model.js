/** What lies in A and B, and how they compare. Views are told after every change. */

import { MOST_BYTES, RouteError } from './api.js'

/**
 * @typedef {import('./types').Picture} Picture
 * @typedef {import('./types').Slot} Slot
 * @typedef {import('./types').State} State
 * @typedef {import('./types').Which} Which
 * @typedef {import('./types').Words} Words
 * @typedef {ReturnType<typeof import('./api.js').createRoutes>} Routes
 */

/** @returns {Slot} */
const emptySlot = () => ({ picture: null, side: null, busy: false, error: '' })

/**
 * @param {Routes} routes
 * @param {() => Words} words
 */
export function createModel(routes, words) {
  /** @type {State} */
  const state = { a: emptySlot(), b: emptySlot(), comparison: null, comparing: false, error: '' }
  /** @type {Set<(state: State) => void>} */
  const watchers = new Set()
  let asked = new AbortController()

  const tell = () => watchers.forEach((watcher) => watcher(state))

  /**
   * Puts pictures into places and compares when both are there.
   * @param {Partial<Record<Which, Picture>>} pictures
   */
  async function set(pictures) {
    for (const [which, picture] of entries(pictures)) place(which, picture)
    await look()
  }

  /** @param {Which} which @param {Picture} picture */
  function place(which, picture) {
    const { source } = picture
    forget(which)
    const tooLarge = 'file' in source && source.file.size > MOST_BYTES
    state[which] = {
      ...emptySlot(),
      picture,
      error: tooLarge
        ? words()('slots.tooLarge', { size: megabytes(source.file.size), most: megabytes(MOST_BYTES) })
        : ''
    }
  }

  /** @param {Which} which */
  function forget(which) {
    const old = state[which].picture
    if (old && 'file' in old.source) URL.revokeObjectURL(old.url)
    state[which] = emptySlot()
  }

  /** Reads what is new, and compares the two in the same go where both are there. */
  async function look() {
    asked.abort()
    asked = new AbortController()
    const { signal } = asked
    Object.assign(state, { comparison: null, comparing: false, error: '' })
    const { a, b } = state
    const sound = (/** @type {Slot} */ slot) => slot.picture !== null && slot.error === ''
    const both = sound(a) && sound(b)
    for (const slot of [a, b]) slot.busy = sound(slot) && !slot.side
    state.comparing = both
    tell()
    try {
      if (both && a.picture && b.picture) await compare(a.picture, b.picture, signal)
      else await Promise.all([inspect('a', signal), inspect('b', signal)])
    } catch (error) {
      if (!signal.aborted) throw error
    }
    if (!signal.aborted) tell()
  }

  /** @param {Picture} a @param {Picture} b @param {AbortSignal} signal */
  async function compare(a, b, signal) {
    try {
      const comparison = await routes.compare(a, b, signal)
      Object.assign(state, { comparison })
      Object.assign(state.a, { side: comparison.a, busy: false })
      Object.assign(state.b, { side: comparison.b, busy: false })
    } catch (error) {
      if (!(error instanceof RouteError)) throw error
      state.comparing = false
      await Promise.all([inspect('a', signal), inspect('b', signal)])
      if (!state.a.error && !state.b.error) state.error = error.message
    } finally {
      if (!signal.aborted) state.comparing = false
    }
  }

  /**
   * Reads one picture where that was not done; its place shows what is wrong with it.
   * @param {Which} which
   * @param {AbortSignal} signal
   */
  async function inspect(which, signal) {
    const slot = state[which]
    if (!slot.picture || slot.side || slot.error) return
    slot.busy = true
    try {
      slot.side = await routes.inspect(slot.picture, signal)
    } catch (error) {
      if (!(error instanceof RouteError)) throw error
      slot.error = error.message
    }
    slot.busy = false
  }

  return {
    state,
    set,

    /** @param {(state: State) => void} watcher @returns {() => void} what stops it */
    watch(watcher) {
      watchers.add(watcher)
      watcher(state)
      return () => watchers.delete(watcher)
    },

    /** @param {Which} which */
    async clear(which) {
      forget(which)
      await look()
    },

    async swap() {
      ;[state.a, state.b] = [state.b, state.a]
      await look()
    }
  }
}

/**
 * Returns the place of a picture in the batch that it was made in, from 0.
 * @param {Slot} slot
 */
export function placeInBatch({ side }) {
  const said = side?.facts.find(({ name }) => name === 'item of its batch')?.value ?? '1'
  return Math.max(0, Number.parseInt(said) - 1)
}

/** @param {Partial<Record<Which, Picture>>} pictures */
const entries = (pictures) => /** @type {[Which, Picture][]} */ (Object.entries(pictures))

/** @param {number} bytes */
const megabytes = (bytes) => Math.round(bytes / 2 ** 20)
