/** Primitive types of Kafka's protocol, big endian. https://kafka.apache.org/protocol#protocol_types */

/** Thrown when a message is shorter than its own lengths claim. */
export class TruncatedMessageError extends Error {
  override readonly name = 'TruncatedMessageError'
}

/** Reads a message front to back; every read is checked against its end. */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#advance(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new TruncatedMessageError('unsigned varint of more than 5 bytes')
  }

  string(): string | null {
    return this.#text(this.int16())
  }

  compactString(): string | null {
    return this.#text(this.uvarint() - 1)
  }

  uuid(): Buffer {
    return this.#slice(16)
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.#slice(length)
  }

  compactBytes(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#slice(length)
  }

  array<T>(read: () => T): T[] {
    return this.#list(this.int32(), read)
  }

  compactArray<T>(read: () => T): T[] {
    return this.#list(this.uvarint() - 1, read)
  }

  skipTags(): void {
    const count = this.uvarint()
    for (let i = 0; i < count; i++) {
      this.uvarint()
      this.#advance(this.uvarint())
    }
  }

  #text(length: number): string | null {
    if (length < 0) return null
    const start = this.#advance(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  #slice(length: number): Buffer {
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  #list<T>(length: number, read: () => T): T[] {
    const items: T[] = []
    for (let i = 0; i < length; i++) items.push(read())
    return items
  }

  #advance(length: number): number {
    const start = this.#at
    if (length < 0 || start + length > this.#bytes.length) {
      throw new TruncatedMessageError(
        `${length} bytes wanted at ${start} of a message of ${this.#bytes.length} bytes`,
      )
    }
    this.#at = start + length
    return start
  }
}

/**
 * Appends to a growing buffer. Room is reserved before `this.buf` is looked at: growing replaces it. `buf` and `buffer` are what
 * kafkajs expects of an encoded request.
 */
export class WireWriter {
  buf: Buffer
  #length = 0

  constructor(capacity = 256) {
    this.buf = Buffer.allocUnsafe(capacity)
  }

  get buffer(): Buffer {
    return this.buf.subarray(0, this.#length)
  }

  int8(value: number): this {
    const at = this.#reserve(1)
    this.buf.writeInt8(value, at)
    return this
  }

  int16(value: number): this {
    const at = this.#reserve(2)
    this.buf.writeInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#reserve(4)
    this.buf.writeInt32BE(value, at)
    return this
  }

  int64(value: bigint): this {
    const at = this.#reserve(8)
    this.buf.writeBigInt64BE(value, at)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  uvarint(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      const at = this.#reserve(1)
      this.buf.writeUInt8((rest % 0x80) + 0x80, at)
      rest = Math.floor(rest / 0x80)
    }
    const at = this.#reserve(1)
    this.buf.writeUInt8(rest, at)
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const length = Buffer.byteLength(value)
    this.int16(length)
    const at = this.#reserve(length)
    this.buf.write(value, at, 'utf8')
    return this
  }

  compactString(value: string): this {
    const length = Buffer.byteLength(value)
    this.uvarint(length + 1)
    const at = this.#reserve(length)
    this.buf.write(value, at, 'utf8')
    return this
  }

  bytes(value: Buffer | null): this {
    if (value === null) return this.int32(-1)
    this.int32(value.length)
    return this.raw(value)
  }

  raw(value: Buffer): this {
    const at = this.#reserve(value.length)
    value.copy(this.buf, at)
    return this
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  /** An empty section of tagged fields (KIP-482). */
  noTags(): this {
    return this.uvarint(0)
  }

  #reserve(length: number): number {
    const start = this.#length
    if (start + length > this.buf.length) {
      const grown = Buffer.allocUnsafe(Math.max(start + length, this.buf.length * 2))
      this.buf.copy(grown, 0, 0, start)
      this.buf = grown
    }
    this.#length = start + length
    return start
  }
}
