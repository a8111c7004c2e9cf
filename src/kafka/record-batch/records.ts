import { codecOf, decompress } from '../codecs/codec.ts'
import { CorruptBatchError } from '../errors.ts'
import type { KafkaRecord, RecordHeader } from '../types.ts'
import type { BatchHeader } from './header.ts'
import { Attribute, Field } from './layout.ts'

/** A record as positions in its batch's bytes; key, value and headers become Buffers when they are asked for. */
class LogRecord implements KafkaRecord {
  private readonly cursor: RecordCursor
  private readonly timestampDelta: number | bigint
  private readonly keyStart: number
  private readonly keyEnd: number
  private readonly valueStart: number
  private readonly valueEnd: number
  private readonly headersStart: number
  readonly offsetDelta: number

  constructor(
    cursor: RecordCursor,
    offsetDelta: number,
    timestampDelta: number | bigint,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    headersStart: number,
  ) {
    this.cursor = cursor
    this.offsetDelta = offsetDelta
    this.timestampDelta = timestampDelta
    this.keyStart = keyStart
    this.keyEnd = keyEnd
    this.valueStart = valueStart
    this.valueEnd = valueEnd
    this.headersStart = headersStart
  }

  get offset(): bigint {
    return this.cursor.header.baseOffset + BigInt(this.offsetDelta)
  }

  get timestamp(): bigint {
    const { header } = this.cursor
    if ((header.attributes & Attribute.logAppendTime) !== 0) return header.maxTimestamp
    return header.baseTimestamp + BigInt(this.timestampDelta)
  }

  get key(): Buffer | null {
    return this.keyEnd < 0 ? null : this.cursor.data.subarray(this.keyStart, this.keyEnd)
  }

  get value(): Buffer | null {
    return this.valueEnd < 0 ? null : this.cursor.data.subarray(this.valueStart, this.valueEnd)
  }

  get headers(): readonly RecordHeader[] {
    return this.headersStart < 0 ? noHeaders : this.cursor.headersAt(this.headersStart)
  }

  /** Bytes of key and value. */
  get size(): number {
    return Math.max(this.keyEnd - this.keyStart, 0) + Math.max(this.valueEnd - this.valueStart, 0)
  }
}

export type { LogRecord }

const noHeaders: readonly RecordHeader[] = []

/** The records, decompressed; errors say which batch it is. */
function recordsOf(header: BatchHeader, stored: Buffer, maxDecompressed: number): Buffer {
  try {
    return decompress(codecOf(header.attributes), stored, maxDecompressed)
  } catch (error) {
    if (!(error instanceof CorruptBatchError)) throw error
    const Same = error.constructor as typeof CorruptBatchError
    throw new Same(error.message, {
      where: `offsets ${header.baseOffset} to ${header.lastOffset}`,
      next: error.next,
      cause: error.cause,
    })
  }
}

/**
 * Reads the records of one batch in order. Every length is checked against the end of its record and of the batch, so that no record
 * ever shows bytes of another one.
 */
export class RecordCursor {
  readonly header: BatchHeader
  /** The records, decompressed. */
  readonly data: Buffer
  #at = 0
  /** End of the record that is being read. */
  #end = 0
  #remaining: number
  #lastDelta = -1

  /** Decompresses. Throws BatchTooLargeError above `maxDecompressed` bytes, CorruptBatchError for what does not decompress. */
  constructor(header: BatchHeader, maxDecompressed: number) {
    this.header = header
    const stored = header.bytes.subarray(Field.records)
    this.data =
      header.recordCount === 0
        ? stored.subarray(0, 0) // emptied by compaction: whatever is left of the compressed block is no record
        : recordsOf(header, stored, maxDecompressed)
    this.#remaining = header.recordCount
  }

  /** The next record, undefined after the last. */
  next(): LogRecord | undefined {
    if (this.#remaining === 0) {
      if (this.#at !== this.data.length) this.#fail('there are bytes after the last record')
      return undefined
    }
    this.#remaining--
    this.#end = this.data.length
    const length = this.#varint()
    this.#end = this.#at + length
    if (length < 0 || this.#end > this.data.length) this.#fail(`a record claims ${length} bytes`)
    this.#at++ // attributes of the record: unused
    const timestampDelta = this.#varlong()
    const offsetDelta = this.#varint()
    if (offsetDelta <= this.#lastDelta || offsetDelta > this.header.lastOffsetDelta) {
      this.#fail(`offset delta ${offsetDelta} follows ${this.#lastDelta}`)
    }
    this.#lastDelta = offsetDelta
    const keyStart = this.#blob()
    const keyEnd = this.#blobEnd
    const valueStart = this.#blob()
    const valueEnd = this.#blobEnd
    const headersStart = this.#skipHeaders()
    if (this.#at !== this.#end) this.#fail('there are bytes after the last header of a record')
    return new LogRecord(
      this,
      offsetDelta,
      timestampDelta,
      keyStart,
      keyEnd,
      valueStart,
      valueEnd,
      headersStart,
    )
  }

  /** Reads the headers that `next` has checked. */
  headersAt(start: number): RecordHeader[] {
    const resume = this.#at
    this.#at = start
    this.#end = this.data.length
    const headers: RecordHeader[] = []
    for (let left = this.#varint(); left > 0; left--) {
      const keyStart = this.#blob()
      const key = this.data.toString('utf8', keyStart, this.#blobEnd)
      const valueStart = this.#blob()
      headers.push([key, this.#blobEnd < 0 ? null : this.data.subarray(valueStart, this.#blobEnd)])
    }
    this.#at = resume
    return headers
  }

  #blobEnd = -1

  /** Passes over a length and its bytes; returns their start, sets #blobEnd, -1 for null. */
  #blob(): number {
    const length = this.#varint()
    const start = this.#at
    if (length < 0) {
      this.#blobEnd = -1
      return start
    }
    const end = start + length
    if (end > this.#end) this.#fail(`a field claims ${length} bytes`)
    this.#blobEnd = end
    this.#at = end
    return start
  }

  /** Passes over the headers; returns where they start, -1 when there are none. */
  #skipHeaders(): number {
    const start = this.#at
    const count = this.#varint()
    if (count === 0) return -1
    if (count < 0) this.#fail(`a record claims ${count} headers`)
    for (let i = 0; i < count; i++) {
      this.#blob()
      if (this.#blobEnd < 0) this.#fail('a header has no key')
      this.#blob()
    }
    return start
  }

  /** Zigzag varint of 32 bits. */
  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    return this.#fail('a varint is longer than 5 bytes')
  }

  /** Zigzag varint of 64 bits: a number where it is exact, a bigint beyond. */
  #varlong(): number | bigint {
    const start = this.#at
    let value = 0
    for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    this.#at = start
    let big = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      big |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        big = BigInt.asUintN(64, big)
        return BigInt.asIntN(64, (big >> 1n) ^ -(big & 1n))
      }
    }
    return this.#fail('a varlong is longer than 10 bytes')
  }

  #byte(): number {
    if (this.#at >= this.#end) this.#fail('a record is cut off')
    return this.data[this.#at++] as number
  }

  #fail(why: string): never {
    const { baseOffset, recordCount } = this.header
    throw new CorruptBatchError(`record batch is malformed: ${why}`, {
      where: `offset ${baseOffset}, record ${recordCount - this.#remaining} of ${recordCount}`,
    })
  }
}

/** What a control batch says: the outcome of its producer's transaction (KIP-98), or something newer. */
export function controlType(header: BatchHeader): 'commit' | 'abort' | 'other' {
  if (!header.isControl || header.recordCount === 0) return 'other'
  const key = new RecordCursor(header, header.bytes.length).next()?.key
  if (!key || key.length < 4) return 'other'
  const type = key.readInt16BE(2) // after the version
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other'
}
