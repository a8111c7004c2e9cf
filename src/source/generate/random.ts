/**
 * Random numbers that depend on (seed, record index) only, so that any thread can make any record: the state is set anew for
 * each record. sfc32 (PractRand's small fast counter), 32 bits at a time; not for secrets.
 */
export class Random {
  /** Index of the record in work. */
  index = 0
  /** Records, arrays and maps open; kept by the generators. */
  depth = 0
  readonly #seed: number
  #a = 0
  #b = 0
  #c = 0
  #counter = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  start(index: number): void {
    this.index = index
    this.depth = 0
    const high = mix(Math.floor(this.#seed / 2 ** 32) ^ 0x9e37_79b9)
    this.#a = mix(this.#seed | 0)
    this.#b = mix(high ^ index)
    this.#c = mix(high + Math.floor(index / 2 ** 32))
    this.#counter = 1
    for (let i = 0; i < 8; i++) this.bits()
  }

  /** A signed 32-bit integer. */
  bits(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result
    this.#c |= 0
    return result
  }

  /** A number in [0, 1). */
  fraction(): number {
    return (this.bits() >>> 0) / 2 ** 32
  }

  /** A whole number in [0, limit); limit up to 2^53. */
  below(limit: number): number {
    if (limit <= 2 ** 32) return Math.floor(this.fraction() * limit)
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) % limit
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) bytes[i] = this.bits()
    return bytes
  }
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return h ^ (h >>> 16)
}
