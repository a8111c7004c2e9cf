/** Numbers that describe one record in `Chunk.bounds`: start, end (exclusive) and line. */
export const BOUNDS_PER_RECORD = 3

const initialRecords = 1024

/** Collects the bounds of records; a plain array of numbers would cost an allocation for each growth step of three. */
export class Bounds {
  #numbers = new Uint32Array(initialRecords * BOUNDS_PER_RECORD)
  #length = 0

  get records(): number {
    return this.#length / BOUNDS_PER_RECORD
  }

  add(start: number, end: number, line: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Uint32Array(this.#numbers.length * 2)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers[this.#length++] = start
    this.#numbers[this.#length++] = end
    this.#numbers[this.#length++] = line
  }

  /** The bounds so far, in an array of their own; starts again empty. */
  take(): Uint32Array<ArrayBuffer> {
    const taken = this.#numbers.slice(0, this.#length)
    this.#length = 0
    return taken
  }
}
