/** The routes of the pack: pictures go as bytes or by name, errors come back as one line. */

/**
 * @typedef {import('./types').Picture} Picture
 * @typedef {import('./types').FileRef} FileRef
 */

/** Bytes of the largest picture that is sent: the routes take no more. */
export const MOST_BYTES = 128 * 2 ** 20

/** What a route refused, in one line for people. */
export class RouteError extends Error {}

/** @typedef {(route: string, options?: RequestInit) => Promise<Response>} Fetch */

/**
 * Returns a function for each route.
 * @param {Fetch} fetchApi
 */
export function createRoutes(fetchApi) {
  /** @type {(route: string, body: FormData, signal?: AbortSignal) => Promise<Response>} */
  const post = (route, body, signal) => answered(fetchApi(`/goodseed/${route}`, { method: 'POST', body, signal }))

  return {
    /** @type {(a: Picture, signal?: AbortSignal) => Promise<import('./types').Side>} */
    inspect: async (a, signal) => json(await post('inspect', form({ a }), signal)),

    /** @type {(a: Picture, b: Picture, signal?: AbortSignal) => Promise<import('./types').Comparison>} */
    compare: async (a, b, signal) => json(await post('compare', form({ a, b }), signal)),

    /** @type {(a: Picture, b: Picture) => Promise<Blob>} */
    heat: async (a, b) => (await post('heat', form({ a, b }))).blob(),

    /** @type {(a: Picture) => Promise<{workflow: unknown, prompt: unknown}>} */
    workflow: async (a) => (await post('workflow', form({ a }))).json(),

    /** @type {(a: Picture, graph: unknown) => Promise<import('./types').Changes>} */
    changes: async (a, graph) => json(await post('changes', form({ a }, { graph: JSON.stringify(graph) }))),

    /** @type {(a: Picture, b: Picture, format: 'markdown' | 'html') => Promise<{text: string, filename: string}>} */
    report: async (a, b, format) => json(await post('report', form({ a, b }, { format }))),

    /** @type {(a: Picture, client: string) => Promise<{job: string}>} `client` hears of the progress */
    verify: async (a, client) => json(await post('verify', form({ a }, client ? { client_id: client } : {}))),

    /** @type {(job: string) => Promise<import('./types').Job>} */
    job: async (job) => json(await answered(fetchApi(`/goodseed/verify/${encodeURIComponent(job)}`))),

    /** @type {(job: string) => Promise<void>} */
    cancel: async (job) => {
      await answered(fetchApi(`/goodseed/verify/${encodeURIComponent(job)}`, { method: 'DELETE' }))
    },

    /** @type {() => Promise<FileRef[]>} */
    outputs: async () => (await json(await answered(fetchApi('/goodseed/outputs?limit=60')))).images
  }
}

/**
 * Reads JSON. A whole number that the browser cannot hold, as a seed above 2^53, is kept as its text.
 * @param {string} text
 * @returns {any}
 */
export function parse(text) {
  return JSON.parse(text, /** @type {any} */ (keepLongNumbers))
}

/** @param {string} _name @param {unknown} value @param {{source?: string}} [context] not yet in every browser */
function keepLongNumbers(_name, value, context) {
  const long = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return long && context?.source && context.source !== String(value) ? context.source : value
}

/** @param {Response} response */
async function json(response) {
  return parse(await response.text())
}

/**
 * Waits for an answer and raises what the server says where it refuses.
 * @param {Promise<Response>} asked
 */
async function answered(asked) {
  let response
  try {
    response = await asked
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new RouteError('The server does not answer.')
  }
  if (!response.ok) throw new RouteError(await line(response))
  return response
}

/** @param {Response} response */
async function line(response) {
  const text = await response.text()
  try {
    const said = JSON.parse(text).error
    if (typeof said === 'string' && said) return said
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return `The server answers ${response.status} ${response.statusText}`.trim()
}

/**
 * @param {Record<string, Picture>} pictures
 * @param {Record<string, string>} [texts]
 */
function form(pictures, texts = {}) {
  const made = new FormData()
  for (const [name, { source, name: filename }] of Object.entries(pictures)) {
    if ('file' in source) made.append(name, source.file, filename)
    else made.append(name, JSON.stringify(source.ref))
  }
  for (const [name, text] of Object.entries(texts)) made.append(name, text)
  return made
}
