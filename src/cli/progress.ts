/** What of a terminal the progress line needs; process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** One line that says how far a command is. */
export interface ProgressLine {
  /** Shows `text`, or leaves it out when the one before is too fresh. */
  update(text: string): void
  /** Prints a whole line of its own, above the progress. */
  print(text: string): void
  /** Takes the progress off the terminal. */
  done(): void
}

const maxColumns = 80

/**
 * On a terminal the line is drawn over itself, at most ten times a second, by carriage return and blanks alone (so NO_COLOR has nothing
 * to turn off). Elsewhere, and with TERM=dumb, it is a line each ten seconds, so that a log shows life and no more.
 */
export function progressLine(
  stream: ProgressStream,
  now: () => number = () => performance.now(),
): ProgressLine {
  return stream.isTTY && process.env.TERM !== 'dumb'
    ? new DrawnLine(stream, now)
    : new SparseLines(stream, now)
}

class DrawnLine implements ProgressLine {
  readonly #stream: ProgressStream
  readonly #now: () => number
  #drawnAt = Number.NEGATIVE_INFINITY
  #shown = ''

  constructor(stream: ProgressStream, now: () => number) {
    this.#stream = stream
    this.#now = now
  }

  update(text: string): void {
    if (this.#now() - this.#drawnAt < 100) return
    this.#drawnAt = this.#now()
    // One column stays free: a full line would wrap on some terminals.
    const width = Math.min(this.#stream.columns ?? maxColumns, maxColumns) - 1
    this.#draw(text.length > width ? `${text.slice(0, width - 1)}…` : text)
  }

  print(text: string): void {
    const shown = this.#shown
    this.#erase()
    this.#stream.write(`${text}\n`)
    this.#draw(shown)
  }

  done(): void {
    this.#erase()
  }

  #draw(text: string): void {
    if (text === '' && this.#shown === '') return
    this.#stream.write(`\r${text.padEnd(this.#shown.length)}`)
    this.#shown = text
  }

  #erase(): void {
    if (this.#shown === '') return
    this.#draw('')
    this.#stream.write('\r')
  }
}

class SparseLines implements ProgressLine {
  readonly #stream: ProgressStream
  readonly #now: () => number
  #printedAt: number

  constructor(stream: ProgressStream, now: () => number) {
    this.#stream = stream
    this.#now = now
    this.#printedAt = now()
  }

  update(text: string): void {
    if (this.#now() - this.#printedAt < 10_000) return
    this.#printedAt = this.#now()
    this.print(text)
  }

  print(text: string): void {
    this.#stream.write(`${text}\n`)
  }

  done(): void {}
}
