import { FencedError, UnreachableError } from '../../errors.ts'
import type { KafkaRecord, RecordBatch, TopicPartition } from '../../kafka/types.ts'
import { PoisonError } from '../../sink/errors.ts'
import type { EncodedBatch, Lane, Receipt } from '../../sink/sink.ts'
import { type ThreadError, toThreadError } from '../thread-error.ts'
import { BatchQueue, type Slice } from './batch-queue.ts'
import type { Budget } from './budget.ts'
import type { ConsumeLimits, LaneProgress, LaneState } from './job.ts'
import type { Servers } from './servers.ts'
import { Waits } from './waits.ts'

/** Milliseconds between two looks at a budget that is used up. */
const budgetPoll = 100

export interface LaneDependencies {
  /** True when the registry has to be asked before the records can be encoded. */
  readonly needsSchemas: (records: readonly KafkaRecord[]) => boolean
  readonly learn: (records: readonly KafkaRecord[]) => Promise<void>
  readonly encode: (slice: Slice) => EncodedBatch
  readonly servers: Servers
  readonly pause: (tp: TopicPartition) => void
  readonly resume: (tp: TopicPartition) => void
  /** The partition is not to be delivered any more. */
  readonly drop: (tp: TopicPartition) => void
  readonly limits: ConsumeLimits
  readonly budget: Budget
}

/**
 * One partition from the reader's batches to the sink's transactions, one at a time and in order. Pauses its
 * partition when more waits than the limits allow. A sink or registry that is away makes the lane wait until it is back; a fence
 * ends it, and so does a record that cannot be stored (`onError: 'stop'`), after all records before it are committed.
 */
export class PartitionLane {
  readonly tp: TopicPartition
  private readonly lane: Lane
  private readonly deps: LaneDependencies
  private readonly queue: BatchQueue
  private readonly end: bigint | undefined
  private readonly stopping = new AbortController()
  private readonly finished: Promise<void>
  private wake: () => void = () => {}
  private state: LaneState = 'running'
  private changedAt = Date.now()
  private error: ThreadError | undefined
  private readonly waits: Waits
  private paused = false
  private draining = false
  private highWatermark: bigint
  private readonly counts = { read: 0, written: 0, filtered: 0, deadLettered: 0, commits: 0, recovered: 0 }

  constructor(lane: Lane, highWatermark: bigint, end: bigint | undefined, deps: LaneDependencies) {
    this.lane = lane
    this.tp = { topic: lane.topic, partition: lane.partition }
    this.deps = deps
    this.end = end
    this.highWatermark = highWatermark
    this.queue = new BatchQueue(lane.nextOffset, end)
    this.waits = new Waits(() => this.enter(this.waits.isWaiting ? 'waiting' : 'running'))
    this.finished = this.run()
  }

  push(batch: RecordBatch): void {
    this.highWatermark = batch.highWatermark
    if (this.stopping.signal.aborted || this.state === 'done') return
    this.queue.push(batch)
    const { limits } = this.deps
    if (
      !this.paused &&
      (this.queue.records >= limits.queueRecords || this.queue.bytes >= limits.queueBytes)
    ) {
      this.paused = true
      this.deps.pause(this.tp)
    }
    this.wake()
  }

  /** Finishes the transaction in progress, forgets what is queued, and releases the sink's lane. */
  async stop(): Promise<void> {
    this.stopping.abort()
    this.wake()
    await this.finished
  }

  /** Writes what is queued and then stops: for a partition whose log cannot be read any further. */
  async drain(): Promise<void> {
    this.draining = true
    this.wake()
    await this.finished
  }

  progress(): LaneProgress {
    return {
      partition: this.tp.partition,
      epoch: this.lane.epoch,
      state: this.state,
      offset: this.lane.nextOffset,
      highWatermark: this.highWatermark,
      ...this.counts,
      queuedRecords: this.queue.records,
      queuedBytes: this.queue.bytes,
      paused: this.paused,
      ...this.waits.progress(),
      fenced: this.state === 'fenced' ? 1 : 0,
      changedAt: this.changedAt,
      error: this.error ?? this.waits.error,
    }
  }

  private async run(): Promise<void> {
    try {
      while (!this.stopping.signal.aborted && !this.reachedEnd()) {
        const slice = this.nextSlice()
        if (slice) await this.write(slice)
        else if (this.draining && this.queue.isEmpty) break
        else await this.wait()
      }
      this.enter(this.reachedEnd() ? 'done' : 'released')
    } catch (error) {
      // Interrupted by a stop: what was not committed is read again by the next owner.
      const interrupted = this.stopping.signal.aborted && error instanceof UnreachableError
      this.enter(error instanceof FencedError ? 'fenced' : interrupted ? 'released' : 'failed')
      this.error = toThreadError(error)
    }
    this.queue.clear()
    if (!this.stopping.signal.aborted) this.deps.drop(this.tp)
    await this.lane.release()
  }

  private enter(state: LaneState): void {
    if (state !== this.state) this.changedAt = Date.now()
    this.state = state
  }

  /** Until a batch comes; when batches wait for the budget, until another lane may have given some back. */
  private async wait(): Promise<void> {
    await new Promise<void>((wake) => {
      this.wake = wake
      if (!this.queue.isEmpty) setTimeout(wake, budgetPoll)
    })
  }

  private reachedEnd(): boolean {
    return this.end !== undefined && this.lane.nextOffset >= this.end
  }

  private nextSlice(): Slice | undefined {
    const { limits, budget } = this.deps
    if (this.queue.isEmpty) return undefined
    const granted = budget.take(Math.min(limits.batchRecords, Math.max(1, this.queue.records)))
    if (granted === 0) return undefined
    const slice = this.queue.take({ records: granted, bytes: limits.batchBytes })
    budget.giveBack(granted - (slice?.records.length ?? 0))
    if (
      this.paused &&
      this.queue.records < limits.queueRecords / 2 &&
      this.queue.bytes < limits.queueBytes / 2
    ) {
      this.paused = false
      this.deps.resume(this.tp)
    }
    return slice
  }

  private async write(slice: Slice): Promise<void> {
    try {
      await this.store(slice).catch(async (error: unknown) => {
        throw error instanceof PoisonError ? await this.storeUpTo(error, slice) : error
      })
    } catch (error) {
      const { nextOffset } = this.lane
      this.deps.budget.giveBack(slice.records.filter(({ offset }) => offset >= nextOffset).length)
      throw error
    }
  }

  /**
   * Commits the records before the one that cannot be stored, so that the stored offset is its own. An earlier record may turn out to be as
   * bad, when in one batch with later ones its key was overwritten; gives the error of the first.
   */
  private async storeUpTo(poison: PoisonError, { firstOffset, records }: Slice): Promise<PoisonError> {
    if (poison.offset <= firstOffset) return poison
    const before = records.filter(({ offset }) => offset < poison.offset)
    const slice = { firstOffset, nextOffset: poison.offset, records: before }
    try {
      await this.store(slice)
      return poison
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error
      return await this.storeUpTo(error, slice)
    }
  }

  private async store(slice: Slice): Promise<void> {
    const { needsSchemas, learn, encode, servers } = this.deps
    const { signal } = this.stopping
    const { records } = slice
    if (needsSchemas(records)) await this.waits.guard(servers.registry, () => learn(records), signal)
    const batch = encode(slice)
    const receipt = await this.waits.guard(servers.database, () => this.lane.commit(batch, signal), signal)
    this.count(batch, receipt)
  }

  private count(batch: EncodedBatch, receipt: Receipt): void {
    this.counts.read += batch.read
    this.counts.filtered += batch.filtered
    this.counts.written += receipt.written
    this.counts.deadLettered += receipt.deadLettered
    this.counts.commits++
    if (receipt.recovered) this.counts.recovered++
  }
}
