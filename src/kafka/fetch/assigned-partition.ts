import { backoff } from '../cluster/backoff.ts'
import type { FetchedPartition } from '../protocol/fetch.ts'
import { endOffset } from '../record-batch/header.ts'
import type { RecordBatch, TopicPartition } from '../types.ts'
import { LogSlice, type SliceLimits } from './log-slice.ts'
import { located, mayBeTransportDamage } from './partition-errors.ts'

/** Refetches of a batch that is damaged: the network may have done it. */
const corruptRetries = 2

/** A partition while it is assigned. A new assignment makes new objects, so that late answers find no home. */
export class AssignedPartition {
  readonly tp: TopicPartition
  /** The topic that was assigned, however the name is used later; '' when the brokers have no topic ids. */
  readonly topicId: string
  fetching = false
  #paused = false
  /** At the log's end as of the last answer. */
  caughtUp = false
  /** No fetch before this time, milliseconds since the epoch. */
  retryAt = 0
  readonly #limits: SliceLimits
  #position: bigint
  #slice: LogSlice | undefined
  #sliceBytes = 0
  #failures = 0
  #failingSince: number | undefined
  #damaged = 0

  constructor(tp: TopicPartition, topicId: string, position: bigint, limits: SliceLimits) {
    this.tp = tp
    this.topicId = topicId
    this.#position = position
    this.#limits = limits
  }

  get paused(): boolean {
    return this.#paused
  }

  set paused(paused: boolean) {
    if (paused === this.#paused) return
    this.#paused = paused
    // Nothing is tried while it is paused, so that time does not count as failing.
    this.#failingSince = undefined
  }

  /** The next offset to hand out. */
  get position(): bigint {
    return this.#position
  }

  get hasData(): boolean {
    return this.#slice !== undefined
  }

  /** Bytes of the last answer while some of it waits. */
  get waitingBytes(): number {
    return this.#slice ? this.#sliceBytes : 0
  }

  /** Milliseconds of failure since the last answer without an error, or since it was resumed; 0 while it is paused. */
  get failingFor(): number {
    return this.#failingSince === undefined ? 0 : Date.now() - this.#failingSince
  }

  /** Takes in an answer without an error. */
  receive(part: FetchedPartition): void {
    this.#failures = 0
    this.#failingSince = undefined
    const { records, lastStableOffset, highWatermark } = part
    const stable = lastStableOffset >= 0n ? lastStableOffset : highWatermark
    this.caughtUp = records.length === 0 || (endOffset(records) ?? this.#position) >= stable
    if (records.length === 0) return
    this.#slice = new LogSlice(part, this.#position, this.#limits)
    this.#sliceBytes = records.length
  }

  /** The next batch of what was fetched. Throws when the log stays unreadable after some refetches. */
  take(): RecordBatch | undefined {
    if (!this.#slice) return undefined
    try {
      const batch = this.#slice.next()
      if (batch) {
        this.#position = batch.nextOffset
        this.#damaged = 0
      }
      if (!batch || this.#slice.drained) this.#slice = undefined
      return batch
    } catch (error) {
      this.#slice = undefined
      if (!mayBeTransportDamage(error) || this.#damaged >= corruptRetries) throw located(error, this.tp)
      this.#damaged++
      return undefined
    }
  }

  retryLater(): void {
    this.retryAt = Date.now() + backoff(this.#failures++)
    if (!this.#paused) this.#failingSince ??= Date.now()
  }
}
