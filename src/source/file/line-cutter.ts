import type { Bounds } from './bounds.ts'
import type { Cutter } from './cutter.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20

/**
 * Cuts NDJSON: one record a line, ended by LF or CRLF; blank lines are skipped but counted. https://github.com/ndjson/ndjson-spec
 */
export class LineCutter implements Cutter {
  readonly column = 1
  readonly failure = undefined
  #line = 1
  /** Bytes at the front that were searched by an earlier call and hold no line feed. */
  #searched = 0

  get openLine(): number {
    return this.#line
  }

  cut(bytes: Uint8Array, last: boolean, into: Bounds): number {
    let start = 0
    let from = this.#searched
    for (;;) {
      let end = bytes.indexOf(lineFeed, from)
      if (end === -1) {
        if (!last || start === bytes.length) break
        end = bytes.length
      }
      this.#addLine(bytes, start, end, into)
      this.#line++
      start = Math.min(end + 1, bytes.length)
      from = start
    }
    this.#searched = bytes.length - start
    return start
  }

  #addLine(bytes: Uint8Array, start: number, end: number, into: Bounds): void {
    const textEnd = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end
    for (let i = start; i < textEnd; i++) {
      if ((bytes[i] as number) > space) {
        into.add(start, textEnd, this.#line)
        return
      }
    }
  }
}
