import { FencedError, UnexpectedError, UnreachableError } from '../../errors.ts'
import { tpName } from '../../kafka/types.ts'
import { PoisonError } from '../errors.ts'
import type { EncodedBatch, Lane, LaneTarget, Owner, Receipt } from '../sink.ts'
import type { BatchWriter, Written } from './batch-writer.ts'
import type { Claimed } from './claim.ts'
import { writeDeadLetters } from './dead-letters.ts'
import type { Dialect } from './dialect.ts'
import { explain, notCommitted, SqlFailure } from './failure.ts'
import { advance, type FenceRow, type OwnedPartition, readFence, readSettledFence } from './fence.ts'
import { hangUpAfter } from './hang-up.ts'
import { writeLedger } from './ledger.ts'
import { retryDelay, sleep } from './retry.ts'
import type { Session, SessionLimits } from './session.ts'

/** A transaction that met a deadlock, a lock timeout or a lost COMMIT is tried so often before the caller is told. */
const transactionAttempts = 5

export interface LaneParts {
  readonly dialect: Dialect
  readonly at: OwnedPartition
  readonly target: LaneTarget
  readonly onDeadLetters: Owner['onDeadLetters']
  readonly claimed: Claimed
  /** The session that made the claim. */
  readonly session: Session
  /** Opens the next one when that is gone. */
  readonly open: () => Promise<Session>
  readonly writer: BatchWriter
  readonly limits: SessionLimits
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
  /** Of the commit under way. */
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
    const hangUp = hangUpAfter(this.#parts.limits.lock, signal, () => this.#drop())
    try {
      return await this.#commit(batch)
    } finally {
      hangUp.dispose()
    }
  }

  async release(): Promise<void> {
    this.#released = true
    await this.#drop()
  }

  async #commit(batch: EncodedBatch): Promise<Receipt> {
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
    let last: SqlFailure | undefined
    for (let attempt = 1; ; ) {
      this.#requireGoing(batch, last)
      try {
        return await this.#transaction(batch, isolate)
      } catch (err) {
        await this.#abandon()
        if (!(err instanceof SqlFailure)) throw err
        if (err.kind === 'disconnected') this.#requireGoing(batch, err)
        if (err.kind === 'record' && !isolate) {
          isolate = true
        } else if (err.kind === 'conflict' && attempt < transactionAttempts) {
          await sleep(retryDelay(attempt++), this.#signal)
        } else {
          throw explain(err, `batch ${batch.firstOffset}–${batch.nextOffset} was not written`, this.#where())
        }
        last = err
      }
    }
  }

  /** Rows, ledger, dead letters, fence, COMMIT. Rejects before COMMIT with nothing written. */
  async #transaction(batch: EncodedBatch, isolate: boolean): Promise<Receipt> {
    const { dialect, at, target, onDeadLetters } = this.#parts
    const session = await this.#begin(batch)
    const { written, deadLetters } = await this.#write(session, batch, isolate)
    const counts = { written, deadLettered: deadLetters.length }
    await writeDeadLetters(session, dialect, at, deadLetters)
    if (deadLetters.length > 0)
      await onDeadLetters?.({ topic: at.topic, partition: at.partition }, deadLetters)
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

  /**
   * The rows. A zombie finds those of its heir in its way, and would take its own for bad ones: before anyone is told of a bad
   * record it must be sure that the partition is still this lane's.
   */
  async #write(session: Session, batch: EncodedBatch, isolate: boolean): Promise<Written> {
    const requireOwned = async (): Promise<void> => {
      const stored = await readFence(session, this.#parts.at)
      if (stored?.epoch === this.epoch && stored.offset === batch.firstOffset) return
      throw this.#fenced(stored, batch.firstOffset)
    }
    try {
      const outcome = await this.#parts.writer.write(session, batch, isolate)
      if (outcome.deadLetters.length > 0) await requireOwned()
      return outcome
    } catch (err) {
      if (err instanceof PoisonError) await requireOwned()
      throw err
    }
  }

  /** A session with a transaction open. One that died while it was idle is replaced unseen. */
  async #begin(batch: EncodedBatch): Promise<Session> {
    if (this.#session?.usable) {
      try {
        await this.#session.begin()
        return this.#session
      } catch (err) {
        if (!(err instanceof SqlFailure) || err.kind !== 'disconnected') throw err
        this.#requireGoing(batch, err)
      }
    }
    await this.#drop()
    const session = await this.#connect()
    await session.begin()
    return session
  }

  async #connect(): Promise<Session> {
    const session = await this.#parts.open()
    this.#session = session
    // Stopped meanwhile: then nothing is begun on it, and after a release nobody else would close it.
    if (this.#stopping) await this.#drop()
    return session
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
    const deadline = Date.now() + this.#parts.limits.recovery
    let last = cause
    for (let attempt = 1; ; attempt++) {
      if (this.#stopping) {
        const outcome = `the outcome of batch ${open.expected}–${open.next} was unknown`
        throw this.#stopped(`${outcome}; it is settled by the next claim`, last)
      }
      try {
        return await readSettledFence(this.#session ?? (await this.#connect()), this.#parts.at)
      } catch (err) {
        await this.#drop()
        if (!(err instanceof SqlFailure)) throw err
        last ??= err
        if (Date.now() >= deadline && !this.#stopping) {
          throw new UnreachableError(
            `it is not known whether batch ${open.expected}–${open.next} was committed: the database does not answer`,
            {
              where: this.#where(),
              cause: last,
              next: 'wait for the database; the outcome is read from kafka_offsets before anything else is written',
            },
          )
        }
        await sleep(Math.min(retryDelay(attempt), Math.max(0, deadline - Date.now())), this.#signal)
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

  get #stopping(): boolean {
    return this.#released || this.#signal?.aborted === true
  }

  /** Before every attempt: after a stop none is begun. */
  #requireGoing({ firstOffset, nextOffset }: EncodedBatch, cause: unknown): void {
    if (!this.#stopping) return
    throw this.#stopped(`batch ${firstOffset}–${nextOffset} waited: nothing was written`, cause)
  }

  #stopped(doing: string, cause: unknown): UnreachableError {
    return new UnreachableError(`stopped while ${doing}`, {
      where: this.#where(),
      cause,
      next: 'nothing to repair: the next owner goes on from the offset in kafka_offsets',
    })
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
