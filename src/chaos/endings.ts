/** What must be undone when a run ends, however it ends: in the reverse order of its making, each whatever becomes of the others. */
export class Endings {
  readonly #work: (() => Promise<unknown> | undefined)[] = []
  readonly #note: (text: string) => void
  #over = false

  /** `note` hears of what cannot be undone. */
  constructor(note: (text: string) => void) {
    this.#note = note
  }

  /** Once the run is over it is done at once: who is still at work then has come too late. */
  add(work: () => Promise<unknown> | undefined): void {
    if (this.#over) void this.#do(work)
    else this.#work.push(work)
  }

  async run(): Promise<void> {
    this.#over = true
    for (let work = this.#work.pop(); work !== undefined; work = this.#work.pop()) await this.#do(work)
  }

  async #do(work: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#note(`while ending: ${(error as Error).message}`)
    }
  }
}
