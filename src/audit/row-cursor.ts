import type { StoredRow } from '../sink/snapshot.ts'

/** Rows one by one out of pages; only a new page is waited for. */
export class RowCursor {
  readonly #pages: AsyncIterator<readonly StoredRow[]>
  #page: readonly StoredRow[] = []
  #at = 0

  constructor(pages: AsyncIterable<readonly StoredRow[]>) {
    this.#pages = pages[Symbol.asyncIterator]()
  }

  /** The row that the cursor stands at; undefined: a page has to be fetched, or the end is reached. */
  get current(): StoredRow | undefined {
    return this.#page[this.#at]
  }

  /** Goes on to the next row of the page. False: there is none, `fetch` the next page. */
  step(): boolean {
    this.#at++
    return this.#at < this.#page.length
  }

  /** The next page; `current` is its first row, or undefined at the end. */
  async fetch(): Promise<void> {
    do {
      const { done, value } = await this.#pages.next()
      this.#page = done ? [] : value
      this.#at = 0
      if (done) return
    } while (this.#page.length === 0)
  }

  /** Leaves the rows that were not read. */
  async close(): Promise<void> {
    await this.#pages.return?.()
  }
}
