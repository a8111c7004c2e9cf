import type { Bounds } from './bounds.ts'

/**
 * Finds where records begin and end, without parsing them; one for each input, because it counts lines.
 *
 * `cut` looks at `bytes`, adds the bounds of every record that is complete in it, and returns how many bytes are done with.
 * The next call's bytes start with the ones that were not, followed by new ones. `last` says that
 * nothing follows. After a call that leaves `failure` set the input cannot be cut any further.
 */
export interface Cutter {
  cut(bytes: Uint8Array, last: boolean, into: Bounds): number
  /** 1-based column, in bytes, of the first byte that is not done with. */
  readonly column: number
  /** The structure around the records is broken here. */
  readonly failure: CutFailure | undefined
  /** Line (1-based) at which the record that is not complete yet began; for errors. */
  readonly openLine: number
  /** CSV: names of the columns, known after the header line was cut. */
  readonly columns?: readonly string[] | undefined
}

export interface CutFailure {
  readonly message: string
  readonly line: number
  readonly column: number
}
