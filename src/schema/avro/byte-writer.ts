import { Misfit } from './errors.ts'

const initialCapacity = 4096
/** No record of a log is as long; defaults in an array of empty objects would be. Bytes. */
const maxCapacity = 256 * 1024 * 1024

/**
 * A buffer that grows and is used again for record after record, with Avro's primitive encodings.
 * https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
export class ByteWriter {
  /** Where the next byte goes; set it back to drop what was written after it. */
  position = 0
  /** Levels of containers open; kept by the encoder. */
  depth = 0
  /** Union branches of the record that were tried in vain; kept by the encoder. */
  misses = 0
  #bytes = Buffer.allocUnsafe(initialCapacity)

  /** Starts again at the first byte; views handed out by `view` become invalid. */
  reset(): void {
    this.position = 0
    this.depth = 0
  }

  /** The bytes from `start` on, valid until the next write. */
  view(start = 0): Buffer {
    return this.#bytes.subarray(start, this.position)
  }

  /** The bytes from `start` on, in a buffer of their own. */
  copy(start = 0): Buffer {
    return Buffer.from(this.view(start))
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.position++] = value
  }

  /** Four bytes, most significant first: the schema id of the registry's wire format. */
  uint32be(value: number): void {
    this.#reserve(4)
    this.position = this.#bytes.writeUInt32BE(value, this.position)
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.position)
    this.position += value.length
  }

  bytesWithLength(value: Uint8Array): void {
    this.long(value.length)
    this.bytes(value)
  }

  float(value: number): void {
    this.#reserve(4)
    this.position = this.#bytes.writeFloatLE(value, this.position)
  }

  double(value: number): void {
    this.#reserve(8)
    this.position = this.#bytes.writeDoubleLE(value, this.position)
  }

  /**
   * Zigzag varint of a safe integer. A negative n is ~m (m = -n - 1 >= 0), whose zigzag is 2m + 1; the low seven bits
   * are split off first, because 2m + 1 itself may need 54 bits.
   */
  long(value: number): void {
    this.#reserve(10)
    const bytes = this.#bytes
    let at = this.position
    let rest: number
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      rest = (value << 1) ^ (value >> 31)
    } else {
      const negative = value < 0
      const magnitude = negative ? -value - 1 : value
      const low = magnitude % 64
      bytes[at++] = 0x80 | (low << 1) | (negative ? 1 : 0)
      rest = (magnitude - low) / 64
      while (rest > 0x7fff_ffff) {
        const bits = rest % 128
        bytes[at++] = 0x80 | bits
        rest = (rest - bits) / 128
      }
    }
    while (rest > 0x7f) {
      bytes[at++] = 0x80 | (rest & 0x7f)
      rest >>>= 7
    }
    bytes[at++] = rest
    this.position = at
  }

  /** Zigzag varint of any 64-bit integer; the caller has checked the range. */
  bigLong(value: bigint): void {
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.long(Number(value))
      return
    }
    this.#reserve(10)
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.#bytes[this.position++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.position++] = Number(rest)
  }

  /** Length and UTF-8. Throws Misfit for a lone surrogate, which UTF-8 cannot hold. */
  string(value: string): void {
    const length = value.length
    if (length < 64 && this.#shortAscii(value, length)) return
    if (!value.isWellFormed())
      throw new Misfit('the text holds half of a surrogate pair, which UTF-8 cannot hold')
    const byteLength = Buffer.byteLength(value, 'utf8')
    this.long(byteLength)
    this.#reserve(byteLength)
    this.position += this.#bytes.write(value, this.position, 'utf8')
  }

  /** A loop beats the call into C++ for short text; false (and nothing written) at the first character beyond ASCII. */
  #shortAscii(value: string, length: number): boolean {
    this.#reserve(length + 1)
    const bytes = this.#bytes
    let at = this.position + 1
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[at++] = code
    }
    bytes[this.position] = length << 1
    this.position = at
    return true
  }

  #reserve(count: number): void {
    if (this.position + count <= this.#bytes.length) return
    if (this.position + count > maxCapacity) throw new Misfit(`more than ${maxCapacity} bytes of Avro`)
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.position + count))
    this.#bytes.copy(grown, 0, 0, this.position)
    this.#bytes = grown
  }
}
