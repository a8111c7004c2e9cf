import { isAscii, isUtf8 } from 'node:buffer'
import { BOUNDS_PER_RECORD } from './bounds.ts'
import type { Chunk } from './chunks.ts'

/** The records of a chunk as text, one after the other or by index. */
export class RecordTexts {
  readonly count: number
  readonly #chunk: Chunk
  readonly #bytes: Buffer
  /** All of the chunk as text where each byte is one character; cutting text costs less than decoding each record. */
  readonly #ascii: string | undefined
  readonly #utf8: boolean

  constructor(chunk: Chunk) {
    this.#chunk = chunk
    this.count = chunk.bounds.length / BOUNDS_PER_RECORD
    this.#bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length)
    const ascii = isAscii(chunk.bytes)
    this.#ascii = ascii ? this.#bytes.toString('latin1') : undefined
    this.#utf8 = ascii || isUtf8(chunk.bytes)
  }

  /** The record's text; undefined when its bytes are not UTF-8 (a replacement character would be a loss). */
  text(record: number): string | undefined {
    const start = this.#bound(record, 0)
    const end = this.#bound(record, 1)
    if (this.#ascii !== undefined) return this.#ascii.slice(start, end)
    if (!this.#utf8 && !isUtf8(this.#bytes.subarray(start, end))) return undefined
    return this.#bytes.toString('utf8', start, end)
  }

  bytes(record: number): Buffer {
    return this.#bytes.subarray(this.#bound(record, 0), this.#bound(record, 1))
  }

  /** Bytes of the record. */
  length(record: number): number {
    return this.#bound(record, 1) - this.#bound(record, 0)
  }

  /** Line of the record's first byte, 1-based. */
  line(record: number): number {
    return this.#bound(record, 2)
  }

  /** Line and column (1-based) of a character of the record's text. */
  place(record: number, offset: number): { line: number; column: number } {
    const before = (this.text(record) ?? '').slice(0, offset)
    const lastBreak = before.lastIndexOf('\n')
    const line = this.line(record) + (lastBreak === -1 ? 0 : before.split('\n').length - 1)
    if (lastBreak !== -1) return { line, column: before.length - lastBreak }
    return { line, column: this.#column(this.#bound(record, 0)) + before.length }
  }

  #column(start: number): number {
    const lineBreak = this.#bytes.subarray(0, start).lastIndexOf(0x0a)
    return lineBreak === -1 ? this.#chunk.column + start : start - lineBreak
  }

  #bound(record: number, which: 0 | 1 | 2): number {
    return this.#chunk.bounds[record * BOUNDS_PER_RECORD + which] as number
  }
}
