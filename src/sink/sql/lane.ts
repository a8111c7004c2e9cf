import { FencedError, UnexpectedError, UnreachableError } from '../../errors.ts'
import { tpName } from '../../kafka/types.ts'
import type { EncodedBatch, Lane, LaneTarget, Receipt } from '../sink.ts'
import type { BatchWriter, Written } from './batch-writer.ts'
import type { Claimed } from './claim.ts'
import { writeDeadLetters } from './dead-letters.ts'
import type { Dialect } from './dialect.ts'
import { explain, SqlFailure } from './failure.ts'
import { advance, type FenceRow, type OwnedPartition, readFence, readSettledFence } from './fence.ts'
import { writeLedger } from './ledger.ts'
import { retryDelay, sleep } from './retry.ts'
import type { Session } from './session.ts'

/** A transaction that met a deadlock, a lock timeout or a lost COMMIT is tried so often before the caller is told. */
const transactionAttempts = 5

export interface LaneParts {
  readonly dialect: Dialect
  readonly at: OwnedPartition
  readonly target: LaneTarget
  readonly claimed: Claimed
  /** The session that made the claim. */
  readonly session: Session
  /** Opens the next one when that is gone. */
  readonly open: () => Promise<Session>
  readonly writer: BatchWriter
  /** Milliseconds to ask for the outcome of a COMMIT whose answer was lost. */
  readonly recovery: number
  /** `host:port/database` */
  readonly server: string
}

/** A COMMIT whose outcome is not known yet. */
interface OpenCommit {
  readonly expected: bigint
  readonly next: bigint
  readonly receipt: Receipt
}

/** The exactly-once writer of one partition; the contract is on `Lane`. */
export class SqlLane implements Lane {
  readonly topic: string
  readonly partition: number
  readonly epoch: bigint
  readonly #parts: LaneParts
  #session: Session | undefined
  #next: bigint
  #openCommit: OpenCommit | undefined
  #released = false
  /** Of the commit under way: when it aborts, nothing more is tried. */
  #signal: AbortSignal | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.topic = parts.at.topic
    this.partition = parts.at.partition
    this.epoch = parts.claimed.epoch
    this.#next = parts.claimed.offset
    this.#session = parts.session
  }

  get nextOffset(): bigint {
    return this.#next
  }

  async commit(batch: EncodedBatch, signal?: AbortSignal): Promise<Receipt> {
    if (this.#released) throw new UnexpectedError('the lane was released', { where: tpName(this) })
    this.#signal = signal
    const earlier = await this.#resolve()
    if (
      earlier !== undefined &&
      batch.firstOffset === earlier.expected &&
      batch.nextOffset === earlier.next
    ) {
      return earlier.receipt
    }
    if (batch.nextOffset === batch.firstOffset && batch.read === 0) {
      return { written: 0, deadLettered: 0, recovered: false }
    }
    requireInOrder(this, batch)
    let isolate = false
    for (let attempt = 1; ; ) {
      try {
        return await this.#transaction(batch, isolate)
      } catch (err) {
        await this.#abandon()
        if (!(err instanceof SqlFailure)) throw err
        if (err.kind === 'record' && !isolate) {
          isolate = true
        } else if (err.kind === 'conflict' && attempt < transactionAttempts && !signal?.aborted) {
          await sleep(retryDelay(attempt++))
        } else {
          throw explain(err, `batch ${batch.firstOffset}–${batch.nextOffset} was not written`, this.#where())
        }
      }
    }
  }

  async release(): Promise<void> {
    this.#released = true
    await this.#drop()
  }

  /** Rows, ledger, dead letters, fence, COMMIT. Rejects before COMMIT with nothing written. */
  async #transaction(batch: EncodedBatch, isolate: boolean): Promise<Receipt> {
    const { dialect, at, target, writer } = this.#parts
    const session = await this.#begin()
    const { written, deadLetters }: Written = await writer.write(session, batch, isolate)
    const counts = { written, deadLettered: deadLetters.length }
    await writeDeadLetters(session, dialect, at, deadLetters)
    if (target.ledger) await writeLedger(session, at, this.epoch, batch, counts)
    if (!(await advance(session, at, this.epoch, batch.firstOffset, batch.nextOffset))) {
      throw this.#fenced(await readFence(session, at), batch.firstOffset)
    }
    const receipt = { ...counts, recovered: false }
    try {
      await session.commit()
    } catch (err) {
      // Whatever COMMIT was answered with, only the database knows what became of it.
      this.#openCommit = { expected: batch.firstOffset, next: batch.nextOffset, receipt }
      await this.#drop()
      const settled = await this.#resolve(err)
      if (settled !== undefined) return settled.receipt
      throw notCommitted(err)
    }
    this.#next = batch.nextOffset
    return receipt
  }

  /** A session with a transaction open. One that died while it was idle is replaced unseen. */
  async #begin(): Promise<Session> {
    if (this.#session?.usable) {
      try {
        await this.#session.begin()
        return this.#session
      } catch (err) {
        if (!(err instanceof SqlFailure) || err.kind !== 'disconnected') throw err
      }
    }
    await this.#drop()
    this.#session = await this.#parts.open()
    await this.#session.begin()
    return this.#session
  }

  /**
   * Settles a COMMIT whose answer was lost, by the stored offset. Returns it when it was committed, undefined when
   * it was not or when nothing was open. Throws FencedError when the partition has gone to another owner, UnreachableError when the
   * database does not say: then the outcome stays open, and the next call asks again.
   */
  async #resolve(cause?: unknown): Promise<OpenCommit | undefined> {
    const open = this.#openCommit
    if (open === undefined) return undefined
    const stored = await this.#readSettled(open, cause)
    this.#openCommit = undefined
    if (stored?.epoch === this.epoch && stored.offset === open.next) {
      this.#next = open.next
      return { ...open, receipt: { ...open.receipt, recovered: true } }
    }
    if (stored?.epoch === this.epoch && stored.offset === open.expected) return undefined
    throw this.#fenced(stored, open.expected)
  }

  async #readSettled(open: OpenCommit, cause: unknown): Promise<FenceRow | undefined> {
    const deadline = Date.now() + this.#parts.recovery
    for (let attempt = 1; ; attempt++) {
      try {
        this.#session ??= await this.#parts.open()
        return await readSettledFence(this.#session, this.#parts.at)
      } catch (err) {
        await this.#drop()
        if (!(err instanceof SqlFailure)) throw err
        if (Date.now() >= deadline || this.#released || this.#signal?.aborted) {
          throw new UnreachableError(
            `it is not known whether batch ${open.expected}–${open.next} was committed: the database does not answer`,
            {
              where: this.#where(),
              cause: cause ?? err,
              next: 'wait for the database; the outcome is read from kafka_offsets before anything else is written',
            },
          )
        }
        await sleep(Math.min(retryDelay(attempt), Math.max(0, deadline - Date.now())))
      }
    }
  }

  /** Ends a transaction that must not be committed. */
  async #abandon(): Promise<void> {
    if (this.#session === undefined) return
    try {
      await this.#session.rollback()
    } catch (err) {
      if (!(err instanceof SqlFailure)) throw err
      await this.#drop()
    }
  }

  async #drop(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  #fenced(stored: FenceRow | undefined, offset: bigint): FencedError {
    const found =
      stored === undefined
        ? 'the row of kafka_offsets is gone'
        : `kafka_offsets has epoch ${stored.epoch}, offset ${stored.offset}, owner ${stored.owner ?? 'unknown'}`
    return new FencedError(
      `the partition has another owner now: this one has epoch ${this.epoch} and offset ${offset}, ${found}`,
      {
        where: this.#where(),
        next: 'nothing to repair: the other owner goes on from the stored offset. Two groups of one name? etl verify-offsets',
      },
    )
  }

  #where(): string {
    return `${tpName(this)} in ${this.#parts.server}`
  }
}

function requireInOrder(lane: Lane, batch: EncodedBatch): void {
  if (batch.firstOffset === lane.nextOffset && batch.nextOffset > batch.firstOffset) return
  throw new UnexpectedError(
    `batch ${batch.firstOffset}–${batch.nextOffset} does not follow: the lane is at ${lane.nextOffset}`,
    { where: tpName(lane) },
  )
}

/** The outcome is known: rolled back. A lost connection is as good a reason to try again as a deadlock. */
function notCommitted(err: unknown): unknown {
  if (!(err instanceof SqlFailure) || err.kind !== 'disconnected') return err
  return new SqlFailure(`COMMIT did not reach the server: ${err.message}`, { kind: 'conflict' }, err.code, {
    cause: err,
  })
}
