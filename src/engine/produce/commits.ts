import type { TransactionIdentity } from '../../kafka/transactions.ts'
import { beginning, type Position } from './position.ts'
import type { ResumableInput } from './resumable-input.ts'
import type { Encoded, PiecePlace, Work } from './work.ts'

export interface CommitsOptions {
  readonly inputs: readonly ResumableInput[]
  /** Length and path of the bad-record file at the moment; undefined: there is none. */
  readonly badFile: () => Position['badFile']
  /** Milliseconds, rising; for tests. */
  readonly now?: () => number
}

/**
 * Milliseconds that the first transaction is open before it is committed, and that later ones are at the most; each may last twice as long as the
 * one before. So even runs that are killed again and again within a second get on, and a long one commits once a second.
 */
const firstInterval = 30
const longestInterval = 1_000

/**
 * Puts the records of a run into transactions, each with the input's position after its last record: what is committed is the input up to a
 * position, and the position says which. One transaction holds records of one input and of all partitions; the pieces come in
 * input order.
 */
export class Commits {
  readonly #inputs: readonly ResumableInput[]
  readonly #badFile: CommitsOptions['badFile']
  readonly #now: () => number
  /** Of each input, committed or about to be. */
  readonly #positions: Position[]
  /** The input of the open transaction; undefined: none is open. */
  #open: ResumableInput | undefined
  #openIndex = 0
  #began = 0
  #interval = firstInterval
  #stored: Position | undefined

  constructor({ inputs, badFile, now = () => performance.now() }: CommitsOptions) {
    this.#inputs = inputs
    this.#badFile = badFile
    this.#now = now
    this.#positions = inputs.map(({ earlier }) => earlier ?? beginning)
  }

  /** True: what is open belongs to another input, and must be committed before this piece. */
  isOther(piece: Work): boolean {
    return this.#open !== undefined && placeOf(piece).input !== this.#openIndex
  }

  /** True: the transaction is open for long enough. */
  get isDue(): boolean {
    return this.#open !== undefined && this.#now() - this.#began >= this.#interval
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** To be called before the piece's records are appended; tells as whose. Nothing of another input may be open. */
  async include(piece: Work, partitions: readonly number[]): Promise<TransactionIdentity> {
    this.#openIndex = placeOf(piece).input
    const input = this.#inputs[this.#openIndex] as ResumableInput
    if (!this.#open) {
      this.#open = input
      this.#began = this.#now()
    }
    await input.owned.include(partitions)
    return input.owned.identity
  }

  /** Moves the position over the piece. */
  advance(piece: Work, encoded: Encoded, stopped: boolean): void {
    const before = this.#positions[this.#openIndex] as Position
    const after = stopped ? partly(before, piece, encoded) : wholly(before, piece, encoded)
    this.#positions[this.#openIndex] = { ...after, badFile: this.#badFile() }
  }

  /** Makes the position part of the open transaction; may be called while its records are still on their way. */
  async store(): Promise<void> {
    const position = this.#positions[this.#openIndex] as Position
    await this.#open?.store(position)
    this.#stored = position
  }

  /** Commits what is open, which was stored. Every record of it must be acknowledged. */
  async commit(): Promise<void> {
    const open = this.#open
    if (!open) return
    if (this.#stored !== this.#positions[this.#openIndex])
      throw new Error('a position must be stored before it is committed')
    await open.owned.commit()
    this.#open = undefined
    this.#interval = Math.min(2 * this.#interval, longestInterval)
  }

  /** What is open is not to count. */
  async abandon(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.owned.abandon()
  }
}

function wholly(before: Position, piece: Work, encoded: Encoded): Position {
  const place = placeOf(piece)
  return {
    ...before,
    records: place.before + piece.records,
    bad: before.bad + encoded.bad.length,
    text: place.text ? [place.text.end] : [],
  }
}

/** Up to the bad record that ended the run, without it. */
function partly(before: Position, piece: Work, { good, goodText }: Encoded): Position {
  if (good === 0) return before
  const { before: first, text } = placeOf(piece)
  const marks =
    text && goodText ? [text.start, { at: text.start.at + goodText.bytes, digest: goodText.digest }] : []
  return { ...before, records: first + good, text: marks }
}

function placeOf({ place }: Work): PiecePlace {
  if (!place) throw new Error('a piece of a resumable run has a place')
  return place
}
