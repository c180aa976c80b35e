/** What the routes under /goodseed answer, and what the panel keeps of it. */

/** A file in one of ComfyUI's folders, as /view names it. */
export interface FileRef {
  filename: string
  subfolder: string
  type: 'input' | 'output' | 'temp'
}

/** A picture that can be compared: a file of the user's, or one that the server has. */
export interface Picture {
  name: string
  source: { file: Blob } | { ref: FileRef }
  url: string
}

export interface Fact {
  name: string
  value: string
  known: 'observed' | 'read' | 'given' | 'unknown'
}

/** What one picture says of itself. */
export interface Side {
  name: string
  source: string
  format: string
  width: number
  height: number
  pixels_sha256: string
  has_workflow: boolean
  has_graph: boolean
  notes: string[]
  facts: Fact[]
}

export interface Stage {
  stage: string
  run: number | null
  same: boolean | null
  distance: number | null
}

export interface Piece {
  kind: 'same' | 'only-a' | 'only-b' | 'changed'
  a: string
  b: string
  names: string[]
  cut?: boolean
}

export interface Cause {
  id: string
  cause: string
  where: string
  a: unknown
  b: unknown
  why: string
  fix: string
  kind: string
  name: string
  evidence: string
  stage: string | null
  distance: number | null
  prompt: Piece[] | null
  can_set: boolean
}

export interface Value {
  group: string
  name: string
  a: string | null
  b: string | null
  /** null where only one of the two has it */
  same: boolean | null
}

export interface Pixels {
  /** where false, the others are null */
  same_size: boolean
  largest: number
  mean: number
  differing: number
}

export interface Comparison {
  same: boolean
  image_same: boolean | null
  a: Side
  b: Side
  stages: Stage[]
  causes: Cause[]
  notes: string[]
  values: Value[]
  pixels: Pixels | null
}

export interface Change {
  node: string
  input: string
  title: string
  from: unknown
  to: unknown
  cause: string
  /** that of the cause which it mends */
  id: string
  why: string
}

export interface Changes {
  changes: Change[]
  others: { where: string; why: string; fix?: string }[]
}

export interface Job {
  job?: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  what: string
  done: number
  total: number
  answer: Verification | null
  error: string | null
}

export interface Verification {
  verdict: 'identical' | 'same-to-the-eye' | 'different'
  causes: Omit<Cause, 'id' | 'prompt' | 'can_set'>[]
  difference: { largest?: number; mean?: number } | null
  notes: string[]
}

export type Which = 'a' | 'b'

/** One of the two places. `side` is what the server read, `error` its line where it refused the picture. */
export interface Slot {
  picture: Picture | null
  side: Side | null
  busy: boolean
  error: string
}

/** What a view shows: changed by the panel only. */
export interface State {
  a: Slot
  b: Slot
  comparison: Comparison | null
  comparing: boolean
  error: string
}

/** Text of the panel in the user's language. */
export type Words = (key: string, values?: object) => string
