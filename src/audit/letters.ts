import type { StoredLetter } from '../sink/snapshot.ts'

/** Offsets of a partition's dead letters, eight bytes each. */
export class Letters {
  #offsets = new BigInt64Array(64)
  #replayed = new Uint8Array(64)
  #count = 0

  static async read(pages: AsyncIterable<readonly StoredLetter[]>): Promise<Letters> {
    const letters = new Letters()
    for await (const page of pages) for (const letter of page) letters.#add(letter)
    return letters
  }

  /** The letter of the record at `offset`. */
  at(offset: bigint): 'pending' | 'replayed' | undefined {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] as bigint) < offset) low = middle + 1
      else high = middle
    }
    if (low === this.#count || this.#offsets[low] !== offset) return undefined
    return this.#replayed[low] === 1 ? 'replayed' : 'pending'
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  #add({ offset, replayed }: StoredLetter): void {
    if (this.#count === this.#offsets.length) {
      const offsets = new BigInt64Array(this.#count * 2)
      offsets.set(this.#offsets)
      this.#offsets = offsets
      const marks = new Uint8Array(this.#count * 2)
      marks.set(this.#replayed)
      this.#replayed = marks
    }
    this.#offsets[this.#count] = offset
    this.#replayed[this.#count] = replayed ? 1 : 0
    this.#count++
  }
}
