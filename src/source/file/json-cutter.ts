import type { Bounds } from './bounds.ts'
import type { CutFailure, Cutter } from './cutter.ts'

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const lineFeed = 0x0a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const space = 0x20

/** What may stand at the place between two records. */
type Between = 'document' | 'first' | 'value' | 'separator' | 'sequence' | 'end'

/**
 * Cuts the elements out of one JSON array, or JSON values that follow one another with or without white space between
 * (pretty-printed objects). Knows strings, escapes and nesting, nothing else of JSON: what a
 * record holds is judged by whoever parses it. https://www.rfc-editor.org/rfc/rfc8259
 */
export class JsonCutter implements Cutter {
  failure: CutFailure | undefined
  column = 1
  #between: Between = 'document'
  #inValue: 'container' | 'string' | 'scalar' | undefined
  #depth = 0
  #inString = false
  #escaped = false
  /** Start of the open value, relative to the bytes of this call. */
  #start = 0
  #openLine = 1
  #line = 1
  /** Where the current line began, relative to the bytes of this call; negative once they are carried away. */
  #lineStart = 0
  /** Where the next call goes on. */
  #at = 0

  get openLine(): number {
    return this.#openLine
  }

  cut(bytes: Uint8Array, last: boolean, into: Bounds): number {
    let at = this.#at
    while (at < bytes.length && !this.failure) {
      at = this.#inValue ? this.#scanValue(bytes, at, into) : this.#scanBetween(bytes, at)
    }
    if (last && !this.failure) this.#finish(bytes.length, into)
    const done = this.#inValue ? this.#start : at
    this.column = done - (this.#inValue ? this.#openLineStart : this.#lineStart) + 1
    this.#at = at - done
    this.#start -= done
    this.#lineStart -= done
    this.#openLineStart -= done
    return done
  }

  #openLineStart = 0

  #scanBetween(bytes: Uint8Array, from: number): number {
    let at = from
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte > space) break
      if (byte === lineFeed) this.#newLine(at)
    }
    if (at === bytes.length) return at
    const byte = bytes[at] as number
    if (this.#between === 'document') {
      this.#between = byte === openBracket ? 'first' : 'sequence'
      if (byte === openBracket) return at + 1
    }
    switch (this.#between) {
      case 'first':
      case 'separator':
        if (byte === closeBracket) {
          this.#between = 'end'
          return at + 1
        }
        if (this.#between === 'first') break
        if (byte !== comma) return this.#fail(at, `expected ',' or ']' after an element of the array`)
        this.#between = 'value'
        return at + 1
      case 'end':
        return this.#fail(at, 'text after the end of the array')
    }
    if (byte === comma || byte === closeBracket || byte === closeBrace) {
      return this.#fail(at, `expected a value, found '${String.fromCharCode(byte)}'`)
    }
    this.#openValue(byte, at)
    return at + 1
  }

  #openValue(byte: number, at: number): void {
    this.#start = at
    this.#openLine = this.#line
    this.#openLineStart = this.#lineStart
    this.#inString = byte === quote
    this.#escaped = false
    this.#depth = byte === openBrace || byte === openBracket ? 1 : 0
    this.#inValue = this.#depth > 0 ? 'container' : this.#inString ? 'string' : 'scalar'
  }

  #scanValue(bytes: Uint8Array, from: number, into: Bounds): number {
    return this.#inValue === 'scalar'
      ? this.#scanScalar(bytes, from, into)
      : this.#scanNested(bytes, from, into)
  }

  /** Up to the end of the string, object or array that is open. */
  #scanNested(bytes: Uint8Array, from: number, into: Bounds): number {
    let inString = this.#inString
    let escaped = this.#escaped
    let depth = this.#depth
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === lineFeed) this.#newLine(at)
      if (inString) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) {
          inString = false
          if (depth === 0) return this.#closeValue(at + 1, into)
        }
      } else if (byte === quote) inString = true
      else if (byte === openBrace || byte === openBracket) depth++
      else if (byte === closeBrace || byte === closeBracket) {
        if (--depth === 0) return this.#closeValue(at + 1, into)
      }
    }
    this.#inString = inString
    this.#escaped = escaped
    this.#depth = depth
    return bytes.length
  }

  /** A number, a literal or rubbish: up to white space or a bracket or comma, which is left. */
  #scanScalar(bytes: Uint8Array, from: number, into: Bounds): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte <= space || byte === comma || byte === closeBracket || byte === closeBrace) {
        return this.#closeValue(at, into)
      }
    }
    return bytes.length
  }

  #closeValue(end: number, into: Bounds): number {
    into.add(this.#start, end, this.#openLine)
    this.#inValue = undefined
    if (this.#between !== 'sequence') this.#between = 'separator'
    return end
  }

  #finish(end: number, into: Bounds): void {
    if (this.#inValue === 'scalar') this.#closeValue(end, into)
    else if (this.#inValue) {
      this.#failAt(
        this.#openLine,
        this.#start - this.#openLineStart + 1,
        `the input ends inside the record that begins here`,
      )
    }
    if (this.#between !== 'document' && this.#between !== 'sequence' && this.#between !== 'end') {
      this.#fail(end, `the input ends before the ']' of the array`)
    }
  }

  #newLine(at: number): void {
    this.#line++
    this.#lineStart = at + 1
  }

  #fail(at: number, message: string): number {
    this.#failAt(this.#line, at - this.#lineStart + 1, message)
    return at
  }

  #failAt(line: number, column: number, message: string): void {
    this.failure ??= { message, line, column }
  }
}
