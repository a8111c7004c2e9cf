import type { Bounds } from './bounds.ts'
import { parseCsvRecord } from './csv-record.ts'
import type { CutFailure, Cutter } from './cutter.ts'

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

const State = { fieldStart: 0, unquoted: 1, quoted: 2, quoteInQuoted: 3 } as const

/**
 * Cuts CSV: records end at LF or CRLF outside of quotes; a quote opens a quoted field only as the field's first byte, elsewhere it is
 * text. The first record is the header and names the columns; empty lines are skipped. https://www.rfc-editor.org/rfc/rfc4180
 */
export class CsvCutter implements Cutter {
  readonly column = 1
  failure: CutFailure | undefined
  columns: readonly string[] | undefined
  readonly #delimiter: number
  #state: number = State.fieldStart
  #at = 0
  #line = 1
  #openLine = 1
  #quoteLine = 1

  /** @param delimiter one ASCII character */
  constructor(delimiter = ',') {
    this.#delimiter = delimiter.charCodeAt(0)
  }

  get openLine(): number {
    return this.#openLine
  }

  cut(bytes: Uint8Array, last: boolean, into: Bounds): number {
    const delimiter = this.#delimiter
    let state = this.#state
    let start = 0
    for (let at = this.#at; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (state === State.quoted) {
        if (byte === quote) state = State.quoteInQuoted
        else if (byte === lineFeed) this.#line++
      } else if (byte === lineFeed) {
        this.#line++
        this.#close(bytes, start, at, into)
        if (this.failure) return start
        start = at + 1
        state = State.fieldStart
      } else if (byte === delimiter) state = State.fieldStart
      else if (byte === quote && state !== State.unquoted) {
        if (state === State.fieldStart) this.#quoteLine = this.#line
        state = State.quoted
      } else state = State.unquoted
    }
    if (last && start < bytes.length) {
      if (state === State.quoted) this.#fail('the input ends inside quotes that are opened on this line')
      else this.#close(bytes, start, bytes.length, into)
      start = bytes.length
    }
    this.#state = state
    this.#at = bytes.length - start
    return start
  }

  #close(bytes: Uint8Array, start: number, lineEnd: number, into: Bounds): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd
    if (end > start) {
      if (this.columns) into.add(start, end, this.#openLine)
      else this.#readHeader(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'))
    }
    this.#openLine = this.#line
  }

  #readHeader(text: string): void {
    const parsed = parseCsvRecord(text, String.fromCharCode(this.#delimiter))
    if ('problem' in parsed) {
      this.#fail(`in the header: ${parsed.problem}`)
      return
    }
    const names = parsed.fields.map((field) => (field ?? '').trim())
    const nameless = names.indexOf('')
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (nameless !== -1) this.#fail(`column ${nameless + 1} of the header has no name`)
    else if (twice !== undefined) this.#fail(`the header names the column '${twice}' twice`)
    else this.columns = names
  }

  #fail(message: string): void {
    this.failure = {
      message,
      line: this.#state === State.quoted ? this.#quoteLine : this.#openLine,
      column: 1,
    }
  }
}
