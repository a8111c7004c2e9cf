import { isUtf8 } from 'node:buffer'
import { Misfit, maxDepth } from './errors.ts'

const shortText = 16
/** Items of no bytes (null, empty records) that one record may hold: their number is limited by nothing else. */
const maxEmptyItems = 65_536
/**
 * JSON text that a record may become, in characters: a part that does not depend on its bytes, as defaults do not, and a
 * part for each byte, which field names make out of one that says `true`. Without a limit a default of 1 MB in an array of
 * a million empty records becomes a text that no memory holds.
 */
const textBase = 65_536
const textPerByte = 256

/**
 * Reads Avro's primitive encodings out of [position, end) and never beyond; throws Misfit for bytes that are none.
 * https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
export class ByteReader {
  position = 0
  /** Levels of containers open; kept by the decoder. */
  depth = 0
  #bytes: Buffer = Buffer.alloc(0)
  #end = 0
  #emptyItems = 0
  #opens = 0
  #text = 0

  reset(bytes: Buffer, position: number, end: number): void {
    this.#bytes = bytes
    this.position = position
    this.#end = end
    this.depth = 0
    this.#emptyItems = 0
    // Each byte has at most `maxDepth` containers around it.
    this.#opens = maxEmptyItems + maxDepth * (end - position)
    this.#text = textBase + textPerByte * (end - position)
  }

  /** Counts a record, array or map. Throws Misfit for more than the bytes can be about. */
  open(): void {
    if (--this.#opens < 0) throw new Misfit('more records, arrays and maps than its bytes can hold')
  }

  /** Throws Misfit for JSON text that is longer than what is left for the record. */
  limitText(text: string): void {
    if (text.length > this.#text)
      throw new Misfit(`its JSON text would be longer than ${this.#text} characters`)
  }

  /** Takes the text of a finished column off what is left for the others. */
  tookText(text: string): string {
    this.limitText(text)
    this.#text -= text.length
    return text
  }

  get remaining(): number {
    return this.#end - this.position
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number
  }

  /** A zigzag varint of 32 bits. */
  int(): number {
    const at = this.position
    const first = at < this.#end ? (this.#bytes[at] as number) : 0x80
    if (first < 0x80) {
      this.position = at + 1
      return (first >>> 1) ^ -(first & 1)
    }
    const value = this.long()
    if (typeof value === 'bigint' || value > 0x7fff_ffff || value < -0x8000_0000) {
      throw new Misfit(`${value} is beyond 32 bits where the schema says int`)
    }
    return value
  }

  /** A zigzag varint of 64 bits: a number when that is exact, otherwise a bigint. */
  long(): number | bigint {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.position
    // Up to four bytes fit in 28 bits, up to seven in 49: both are exact as numbers.
    let low = 0
    let shift = 0
    while (shift < 28) {
      if (at >= end) throw new Misfit('the bytes end inside a number')
      const byte = bytes[at++] as number
      low |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) {
        this.position = at
        return (low >>> 1) ^ -(low & 1)
      }
    }
    let high = 0
    let scale = 1
    while (shift < 70) {
      if (at >= end) throw new Misfit('the bytes end inside a number')
      const byte = bytes[at++] as number
      if (shift === 63 && byte > 1) throw new Misfit('a number is longer than 64 bits')
      high += (byte & 0x7f) * scale
      scale *= 128
      shift += 7
      if (byte < 0x80) {
        this.position = at
        return unzigzag(low, high)
      }
    }
    throw new Misfit('a number is longer than 64 bits')
  }

  bigLong(): bigint {
    return BigInt(this.long())
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** The length that stands before bytes or text, checked against the bytes that are left. */
  length(): number {
    const length = this.long()
    if (length < 0) throw new Misfit(`a length of ${length}`)
    if (length > this.#end - this.position) {
      throw new Misfit(`a length of ${length} where ${this.#end - this.position} bytes are left`)
    }
    return length as number
  }

  /**
   * Number of items in the next block of an array or map whose items take at least `minBytes` each; 0 ends it. Checked
   * against the bytes that are left, so that a count never costs more than the record's size.
   */
  blockCount(minBytes: number): number {
    let count = this.long()
    if (count < 0) {
      count = -count
      this.length()
    }
    const items = Number(count)
    if (minBytes === 0) this.#emptyItems += items
    if (this.#emptyItems > maxEmptyItems || items * minBytes > this.remaining) {
      throw new Misfit(`a block of ${count} items where ${this.remaining} bytes are left`)
    }
    return items
  }

  /** A copy, so that a small value does not keep a whole fetch response alive. */
  bytes(length: number): Buffer {
    const start = this.#take(length)
    return Buffer.from(this.#bytes.subarray(start, start + length))
  }

  /** The same bytes, valid while the record's buffer is. */
  view(length: number): Buffer {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  skip(length: number): void {
    this.#take(length)
  }

  skipLong(): void {
    const bytes = this.#bytes
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.#end) throw new Misfit('the bytes end inside a number')
      if ((bytes[this.position++] as number) < 0x80) return
    }
    throw new Misfit('a number is longer than 64 bits')
  }

  /** Text with its length in front. Bytes that are not UTF-8 are an error: a replacement character would be a loss. */
  string(): string {
    const length = this.length()
    const start = this.position
    const end = start + length
    this.position = end
    if (length <= shortText) {
      let ascii = true
      for (let i = start; i < end; i++) {
        if ((this.#bytes[i] as number) > 0x7f) {
          ascii = false
          break
        }
      }
      if (ascii) return this.#bytes.toString('latin1', start, end)
    }
    const text = this.#bytes.toString('utf8', start, end)
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end))) {
      throw new Misfit('the text is not UTF-8')
    }
    return text
  }

  #take(count: number): number {
    const at = this.position
    if (count > this.#end - at) {
      throw new Misfit(`the bytes end: ${count} needed, ${this.#end - at} left`)
    }
    this.position = at + count
    return at
  }
}

/** What `read` makes of all bytes from `offset` on. Throws Misfit when it leaves some. */
export function readWhole<T>(read: (reader: ByteReader) => T, bytes: Buffer, offset = 0): T {
  const reader = new ByteReader()
  reader.reset(bytes, offset, bytes.length)
  const value = read(reader)
  refuseRest(reader)
  return value
}

export function refuseRest(reader: ByteReader): void {
  if (reader.remaining > 0) throw new Misfit(`${reader.remaining} bytes are left after the record`)
}

/** value = high * 2^28 + low, zigzag; high has up to 36 bits. */
function unzigzag(low: number, high: number): number | bigint {
  if (high < 2 ** 25) {
    const value = high * 2 ** 28 + low
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  const value = (BigInt(high) << 28n) | BigInt(low)
  const signed = (value >> 1n) ^ -(value & 1n)
  const number = Number(signed)
  return Number.isSafeInteger(number) ? number : signed
}
