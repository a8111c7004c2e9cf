/** Limits the pieces of work that are between reading and acknowledgement, by number and by bytes: memory stays bounded. */
export class InFlight {
  readonly #maxPieces: number
  readonly #maxBytes: number
  #pieces = 0
  #bytes = 0
  #waiting: (() => void)[] = []
  #open = false

  constructor(maxPieces: number, maxBytes: number) {
    this.#maxPieces = maxPieces
    this.#maxBytes = maxBytes
  }

  /** Resolves when there is room for a piece of `bytes`, which is then taken. A piece larger than the limit goes alone. */
  async enter(bytes: number): Promise<void> {
    while (!this.#open && !this.#fits(bytes))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#pieces++
    this.#bytes += bytes
  }

  leave(bytes: number): void {
    this.#pieces--
    this.#bytes -= bytes
    this.#wake()
  }

  /** Lets everyone in from now on: the run is ending. */
  open(): void {
    this.#open = true
    this.#wake()
  }

  #fits(bytes: number): boolean {
    if (this.#pieces === 0) return true
    return this.#pieces < this.#maxPieces && this.#bytes + bytes <= this.#maxBytes
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
