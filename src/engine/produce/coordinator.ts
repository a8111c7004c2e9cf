import type { TransactionIdentity } from '../../kafka/transactions.ts'
import type { Commits } from './commits.ts'
import { InFlight } from './in-flight.ts'
import { recordsIn } from './pack.ts'
import { Tally } from './tally.ts'
import type { Appended, BadRecord, Encoded, Pack, Work } from './work.ts'

/**
 * A thread that encodes, and that owns the partitions p with p mod (number of threads) = its index.
 *
 * Contract: `encode` and `append` may be called before earlier calls resolved. Appends of one worker reach the log in the order of the calls.
 * When a call rejects, the worker is of no use any more.
 */
export interface ProduceWorker {
  encode(work: Work): Promise<Encoded>
  /** Resolves when every record is acknowledged. With an identity they belong to its open transaction. */
  append(packs: readonly Pack[], identity?: TransactionIdentity): Promise<readonly Appended[]>
}

export interface CoordinatorOptions {
  readonly workers: readonly ProduceWorker[]
  readonly onBad: 'stop' | 'skip'
  /** Hears of the bad records of each piece, in input order, before the piece's good ones are sent. May reject: then the run ends. */
  readonly report: (bad: readonly BadRecord[]) => Promise<void>
  /** Encodes all, sends nothing. */
  readonly dryRun: boolean
  /** In a run that can be resumed: records count as sent when they are committed. */
  readonly commits?: Commits | undefined
  /** Called once when no more work is wanted: whoever reads the input should stop. */
  readonly stopReading: () => void
}

/** Why a run ended before its input did. */
export type Ending =
  | { readonly kind: 'bad-record'; readonly bad: BadRecord }
  | { readonly kind: 'failed'; readonly error: unknown }

/** Pieces in flight for each thread: one being encoded, one waiting, two on their way to the broker. */
const piecesPerWorker = 4
const maxBytesInFlight = 32 * 1024 * 1024

/**
 * Deals pieces of the input to the workers, who encode them in parallel, and hands the encoded records to the owners of their partitions
 * strictly in input order: whatever the number of threads, each partition's log has the order of the input. At every moment what
 * was handed out is a prefix of the input, so a stop can say exactly how far it came.
 */
export class Coordinator {
  readonly tally = new Tally()
  readonly #options: CoordinatorOptions
  readonly #inFlight: InFlight
  /** Pieces that each worker has yet to encode. */
  readonly #encoding: number[]
  readonly #appending = new Set<Promise<void>>()
  /** Acknowledged in the transaction that is open. */
  readonly #uncommitted: Appended[] = []
  #released: Promise<void> = Promise.resolve()
  #ending: Ending | undefined

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.#inFlight = new InFlight(options.workers.length * piecesPerWorker, maxBytesInFlight)
    this.#encoding = options.workers.map(() => 0)
  }

  /**
   * Runs until the work ends, and until all that was handed out is acknowledged or has failed. Undefined: all of the work was done. An error of
   * `work` itself counts only for what comes after the pieces before it.
   */
  async run(work: AsyncIterable<Work>): Promise<Ending | undefined> {
    let broken: Ending | undefined
    try {
      for await (const piece of work) {
        const bytes = bytesOf(piece)
        await this.#inFlight.enter(bytes)
        if (this.#ending) break
        this.#start(piece, bytes)
      }
    } catch (error) {
      broken = { kind: 'failed', error }
    }
    await this.#released
    await this.#drain()
    try {
      await this.#commit()
    } catch (error) {
      this.#end({ kind: 'failed', error })
    }
    return this.#ending ?? broken
  }

  get #failed(): boolean {
    return this.#ending?.kind === 'failed'
  }

  #start(piece: Work, bytes: number): void {
    const index = this.#encoding.indexOf(Math.min(...this.#encoding))
    const worker = this.#options.workers[index] as ProduceWorker
    this.#encoding[index] = (this.#encoding[index] as number) + 1
    const encoded = worker.encode(piece).finally(() => {
      this.#encoding[index] = (this.#encoding[index] as number) - 1
    })
    // Its turn to be awaited comes later; until then a rejection is nobody's but not lost.
    encoded.catch(() => undefined)
    this.#released = this.#released.then(() => this.#release(piece, encoded, bytes))
  }

  /** Runs piece by piece, in input order. */
  async #release(piece: Work, encoding: Promise<Encoded>, bytes: number): Promise<void> {
    if (this.#ending) return
    try {
      const encoded = await encoding
      // An append of an earlier piece may have failed meanwhile: nothing may follow it.
      if (this.#ending) return
      if (encoded.bad.length > 0) await this.#options.report(encoded.bad)
      this.tally.take(encoded)
      const [bad] = encoded.bad
      const last = bad !== undefined && this.#options.onBad === 'stop'
      if (last) this.#end({ kind: 'bad-record', bad })
      const { commits } = this.#options
      if (commits) await this.#transact(commits, piece, encoded, bytes, last)
      else this.#append(encoded.packs, bytes)
    } catch (error) {
      this.#end({ kind: 'failed', error })
    }
  }

  async #transact(
    commits: Commits,
    piece: Work,
    encoded: Encoded,
    bytes: number,
    last: boolean,
  ): Promise<void> {
    if (commits.isOther(piece)) await this.#commit()
    if (this.#failed) return
    const partitions = encoded.packs.map(({ partition }) => partition)
    const identity = await commits.include(piece, partitions)
    if (this.#failed) return
    this.#append(encoded.packs, bytes, identity)
    commits.advance(piece, encoded, last)
    if (commits.isDue) await this.#commit()
  }

  /** Waits until all that was handed out is acknowledged, then ends the transaction that is open. */
  async #commit(): Promise<void> {
    const { commits } = this.#options
    if (!commits?.isOpen || this.#failed) return
    await Promise.all([this.#drain(), commits.store()])
    if (this.#failed) return
    await commits.commit()
    for (const appended of this.#uncommitted.splice(0)) this.tally.acknowledge(appended)
  }

  async #drain(): Promise<void> {
    while (this.#appending.size > 0) await Promise.all(this.#appending)
  }

  #append(packs: readonly Pack[], bytes: number, identity?: TransactionIdentity): void {
    if (this.#options.dryRun) {
      for (const pack of packs) this.tally.skip(pack.partition, recordsIn(pack), pack.bytes.length)
      this.#inFlight.leave(bytes)
      return
    }
    const { workers } = this.#options
    const byOwner = new Map<ProduceWorker, Pack[]>()
    for (const pack of packs) {
      const owner = workers[pack.partition % workers.length] as ProduceWorker
      const own = byOwner.get(owner)
      if (own) own.push(pack)
      else byOwner.set(owner, [pack])
    }
    const appends = [...byOwner].map(async ([owner, own]) => {
      for (const appended of await owner.append(own, identity)) {
        if (identity) this.#uncommitted.push(appended)
        else this.tally.acknowledge(appended)
      }
    })
    const appending = Promise.all(appends).then(
      () => this.#inFlight.leave(bytes),
      (error) => this.#end({ kind: 'failed', error }),
    )
    this.#appending.add(appending)
    void appending.then(() => this.#appending.delete(appending))
  }

  #end(ending: Ending): void {
    // A failure matters more than the bad record that ended the reading.
    if (!this.#ending || (ending.kind === 'failed' && this.#ending.kind === 'bad-record'))
      this.#ending = ending
    this.#inFlight.open()
    this.#options.stopReading()
  }
}

function bytesOf(work: Work): number {
  return work.kind === 'chunk' ? work.chunk.bytes.buffer.byteLength + work.chunk.bounds.byteLength : 0
}
