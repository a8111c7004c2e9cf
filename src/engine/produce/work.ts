import type { Chunk } from '../../source/file/chunks.ts'
import type { TextMark } from './sent-text.ts'

/** A piece of the input that one thread encodes as a whole: cut out of a file, or a range to generate. */
export type Work = ChunkWork | GenerateWork

interface WorkBase {
  /** Position of the piece, from 0 without gaps: the order in which its records are appended. */
  readonly sequence: number
  /** Index, in the whole input, of the piece's first record. */
  readonly firstRecord: number
  /** Number of its records that count; less than it holds at the end of `--limit`. */
  readonly records: number
  /** In a run that can be resumed. */
  readonly place?: PiecePlace | undefined
}

/** Where in the inputs a piece stands, so that a position after it can be stored. */
export interface PiecePlace {
  /** Index of the input among those of the run. */
  readonly input: number
  /** Records of this input before the piece. */
  readonly before: number
  /** The text's marks at the beginning of the piece's chunk, and after its last record that counts. Undefined: records are made up. */
  readonly text: { readonly start: TextMark; readonly end: TextMark } | undefined
}

export interface ChunkWork extends WorkBase {
  readonly kind: 'chunk'
  readonly chunk: Chunk
}

export interface GenerateWork extends WorkBase {
  readonly kind: 'generate'
}

/** Encoded records of one partition, in input order, packed so that they cross threads as two buffers. */
export interface Pack {
  readonly partition: number
  /** Keys and values: key 0, value 0, key 1, value 1, … */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** For each record the length of its key (-1: no key) and of its value. */
  readonly lengths: Int32Array<ArrayBuffer>
}

/** What became of a piece of work. */
export interface Encoded {
  /** At most one pack for each partition. */
  readonly packs: readonly Pack[]
  /** Records that fit the schema; the packs hold them. */
  readonly good: number
  /** In input order. With onBad 'stop' there is at most one, and nothing after it is in the packs. */
  readonly bad: readonly BadRecord[]
  /** The text of a piece with a place up to the last good record, when a bad one ended it: its bytes and their digest. */
  readonly goodText?: { readonly bytes: number; readonly digest: string } | undefined
  /** Bytes of the input's text that the records took. */
  readonly inputBytes: number
  /** Where the last record (good or bad) began. */
  readonly last: InputPlace
}

export interface InputPlace {
  /** Name of the file, `stdin` or `generated`. */
  readonly input: string
  /** 1-based; for generated records the record's number. */
  readonly line: number
}

/** A record that is not what the schema wants. */
export interface BadRecord extends InputPlace {
  readonly column: number | undefined
  /** Field path, such as `a.b[2]`; '' when it is the record as a whole. */
  readonly field: string
  readonly reason: string
  /** The record as it stood in the input. */
  readonly raw: Uint8Array
}

/** What a partition's owner says after the records of one piece were acknowledged. */
export interface Appended {
  readonly partition: number
  readonly records: number
  /** Compressed bytes. */
  readonly bytes: number
  /** Offsets of the first and the last record; other producers' records may stand between. -1: the broker does not tell. */
  readonly firstOffset: bigint
  readonly lastOffset: bigint
}
