import type { OutRecord } from '../../kafka/producer.ts'
import type { Pack } from './work.ts'

const initialRecords = 64

/** Collects the encoded records of one partition; `take` gives them as a pack and starts again. */
export class PackWriter {
  readonly partition: number
  #bytes = Buffer.allocUnsafe(16 * 1024)
  #filled = 0
  #lengths = new Int32Array(initialRecords * 2)
  #records = 0

  constructor(partition: number) {
    this.partition = partition
  }

  get records(): number {
    return this.#records
  }

  add(key: Uint8Array | null, value: Uint8Array): void {
    this.#reserve((key?.length ?? 0) + value.length)
    if (key) this.#append(key)
    this.#append(value)
    if (this.#records * 2 === this.#lengths.length) {
      const grown = new Int32Array(this.#lengths.length * 2)
      grown.set(this.#lengths)
      this.#lengths = grown
    }
    this.#lengths[this.#records * 2] = key ? key.length : -1
    this.#lengths[this.#records * 2 + 1] = value.length
    this.#records++
  }

  take(): Pack {
    const pack = {
      partition: this.partition,
      bytes: new Uint8Array(this.#bytes.subarray(0, this.#filled)),
      lengths: this.#lengths.slice(0, this.#records * 2),
    }
    this.#filled = 0
    this.#records = 0
    return pack
  }

  #append(part: Uint8Array): void {
    this.#bytes.set(part, this.#filled)
    this.#filled += part.length
  }

  #reserve(count: number): void {
    const needed = this.#filled + count
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#filled))
    this.#bytes = grown
  }
}

/** The records of a pack; keys and values are views into it. */
export function unpack(pack: Pack): OutRecord[] {
  const bytes = Buffer.from(pack.bytes.buffer, pack.bytes.byteOffset, pack.bytes.length)
  const records: OutRecord[] = []
  let at = 0
  for (let i = 0; i < pack.lengths.length; i += 2) {
    const keyLength = pack.lengths[i] as number
    const key = keyLength === -1 ? null : bytes.subarray(at, at + keyLength)
    at += Math.max(keyLength, 0)
    const end = at + (pack.lengths[i + 1] as number)
    records.push({ key, value: bytes.subarray(at, end) })
    at = end
  }
  return records
}

export function recordsIn(pack: Pack): number {
  return pack.lengths.length / 2
}

/** The buffers of packs, for `postMessage`'s transfer list. */
export function buffersOf(packs: readonly Pack[]): ArrayBuffer[] {
  return packs.flatMap((pack) => [pack.bytes.buffer, pack.lengths.buffer])
}
