import { UnreachableError } from '../../errors.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isTransient, toEtlError, unknownTopic, unreachable } from '../cluster/failures.ts'
import { CorruptBatchError, OldFormatError, TopicChangedError } from '../errors.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/error-codes.ts'
import { type FetchedPartition, fetchRequest } from '../protocol/fetch.ts'
import { endOffset } from '../record-batch/header.ts'
import { type RecordBatch, type TopicPartition, tpName } from '../types.ts'
import { LogSlice, type SliceLimits } from './log-slice.ts'
import { checkOffset, located } from './partition-log.ts'

export interface FetcherOptions {
  /** Milliseconds that a fetch at the log's end waits for data. */
  readonly maxWait: number
  /** Limit of one response and, per fetch, of what is kept undelivered, bytes. */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly limits: SliceLimits
  /** Milliseconds of failure of one partition after which reading fails. */
  readonly timeout: number
}

/** A partition while it is assigned. A new assignment makes new objects, so that late answers find no home. */
interface PartitionState {
  readonly tp: TopicPartition
  readonly topicId: string
  position: bigint
  slice: LogSlice | undefined
  sliceBytes: number
  fetching: boolean
  paused: boolean
  /** At the log's end as of the last answer. */
  caughtUp: boolean
  /** No fetch before this time, milliseconds since the epoch. */
  retryAt: number
  failures: number
  failingSince: number | undefined
  damaged: number
}

/** Refetches of a batch that is damaged: the network may have done it. */
const corruptRetries = 2
/** Milliseconds that a topic may be unknown to the brokers, as after a leader change, before it counts as deleted. */
const unknownTopicGrace = 5_000

/**
 * Fetches the assigned partitions ahead and hands their batches out when they are asked for.
 *
 * Each leader has two lanes: `fetch` for partitions that have data waiting, answered at once, and `tail`, the long poll, for
 * those at the log's end; so a quiet partition never holds up a busy one. Each lane has one request in flight. A
 * partition is fetched again when what was fetched is handed out, and no lane starts while `maxBytes` are waiting, so
 * memory is bounded by two responses. A paused partition is not fetched and keeps what it has.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetcherOptions
  readonly #onPartitionError: (tp: TopicPartition, error: Error) => void
  /** In the order in which they are served next. */
  readonly #partitions = new Map<string, PartitionState>()
  readonly #busy = new Set<string>()
  #refreshing = false
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined
  #failure: Error | undefined
  #closed = false

  constructor(
    cluster: Cluster,
    options: FetcherOptions,
    onPartitionError: (tp: TopicPartition, error: Error) => void,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#onPartitionError = onPartitionError
  }

  /** Replaces the assignment. Nothing of the old one is handed out any more. */
  assign(positions: ReadonlyMap<TopicPartition, bigint>): void {
    this.#partitions.clear()
    for (const [tp, position] of positions) {
      this.#partitions.set(tpName(tp), {
        tp,
        topicId: this.#cluster.topic(tp.topic)?.topicId ?? '',
        position,
        slice: undefined,
        sliceBytes: 0,
        fetching: false,
        paused: false,
        caughtUp: false,
        retryAt: 0,
        failures: 0,
        failingSince: undefined,
        damaged: 0,
      })
    }
    this.#schedule()
  }

  pause(tps: readonly TopicPartition[]): void {
    for (const tp of tps) {
      const state = this.#partitions.get(tpName(tp))
      if (state) state.paused = true
    }
  }

  resume(tps: readonly TopicPartition[]): void {
    for (const tp of tps) {
      const state = this.#partitions.get(tpName(tp))
      if (state) state.paused = false
    }
    this.#schedule()
    this.#wake?.()
  }

  drop(tp: TopicPartition): void {
    this.#partitions.delete(tpName(tp))
  }

  /** The next batch of any partition; undefined after close(). Throws what fail() was given. One call at a time. */
  async next(): Promise<RecordBatch | undefined> {
    for (;;) {
      if (this.#closed) return undefined
      if (this.#failure) throw this.#failure
      const batch = this.#take()
      if (batch) return batch
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Ends next() with an error. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#partitions.clear()
    this.#wake?.()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#partitions.clear()
    this.#wake?.()
  }

  #take(): RecordBatch | undefined {
    for (const [key, state] of [...this.#partitions]) {
      if (!state.slice || state.paused) continue
      const batch = this.#takeFrom(state)
      if (!batch) continue
      // To the end: the others come first next time.
      this.#partitions.delete(key)
      this.#partitions.set(key, state)
      this.#schedule()
      return batch
    }
    this.#schedule()
    return undefined
  }

  #takeFrom(state: PartitionState): RecordBatch | undefined {
    const slice = state.slice as LogSlice
    try {
      const batch = slice.next()
      if (batch) {
        state.position = batch.nextOffset
        state.damaged = 0
      }
      if (!batch || slice.drained) state.slice = undefined
      return batch
    } catch (error) {
      state.slice = undefined
      const again = error instanceof CorruptBatchError && !(error instanceof OldFormatError)
      if (!again || state.damaged >= corruptRetries) this.#stop(state, located(error, state.tp) as Error)
      else state.damaged++
      return undefined
    }
  }

  /** Starts every fetch that can start now. */
  #schedule(): void {
    if (this.#closed || this.#failure) return
    const now = Date.now()
    const lanes = new Map<string, { leader: number; lane: 'fetch' | 'tail'; states: PartitionState[] }>()
    let waiting = 0
    let wakeAt = Infinity
    let leaderless = false
    for (const state of this.#partitions.values()) {
      if (state.slice && !state.paused) waiting += state.sliceBytes
      if (state.slice || state.fetching || state.paused) continue
      if (state.retryAt > now) {
        wakeAt = Math.min(wakeAt, state.retryAt)
        continue
      }
      const leader = this.#cluster.leader(state.tp)
      if (leader === undefined) {
        leaderless = true
        continue
      }
      const lane = state.caughtUp ? 'tail' : 'fetch'
      const key = `${leader} ${lane}`
      const group = lanes.get(key)
      if (group) group.states.push(state)
      else lanes.set(key, { leader, lane, states: [state] })
    }
    if (wakeAt < Infinity) this.#scheduleAt(wakeAt)
    if (leaderless) void this.#findLeaders()
    for (const [key, { leader, lane, states }] of lanes) {
      if (!this.#busy.has(key) && waiting < this.#options.maxBytes)
        void this.#fetch(key, leader, lane, states)
    }
  }

  #scheduleAt(time: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#schedule(), Math.max(time - Date.now(), 1))
  }

  async #fetch(
    key: string,
    leader: number,
    lane: 'fetch' | 'tail',
    states: readonly PartitionState[],
  ): Promise<void> {
    this.#busy.add(key)
    for (const state of states) state.fetching = true
    const byName = new Map(states.map((state) => [tpName(state.tp), state]))
    try {
      const { maxWait, maxBytes, maxPartitionBytes } = this.#options
      const positions = states.map(({ tp, position }) => ({ ...tp, offset: position }))
      const answer = await this.#cluster
        .node(leader, lane)
        .send(() =>
          fetchRequest(positions, { maxWait: lane === 'tail' ? maxWait : 0, maxBytes, maxPartitionBytes }),
        )
      for (const part of answer.partitions) {
        const state = byName.get(tpName(part))
        if (state && this.#isCurrent(state)) await this.#receive(state, part)
      }
      if (answer.errorCode !== ErrorCode.none) throw new UnreachableError(errorName(answer.errorCode))
    } catch (error) {
      await this.#requestFailed(states, error)
    } finally {
      this.#busy.delete(key)
      for (const state of states) state.fetching = false
    }
    this.#wake?.()
    this.#schedule()
  }

  #isCurrent(state: PartitionState): boolean {
    return this.#partitions.get(tpName(state.tp)) === state
  }

  async #receive(state: PartitionState, part: FetchedPartition): Promise<void> {
    const { errorCode, records, lastStableOffset, highWatermark } = part
    if (errorCode !== ErrorCode.none) return this.#partitionFailed(state, errorCode)
    state.failures = 0
    state.failingSince = undefined
    const stable = lastStableOffset >= 0n ? lastStableOffset : highWatermark
    state.caughtUp = (endOffset(records) ?? state.position) >= stable || records.length === 0
    if (records.length === 0) return
    state.slice = new LogSlice(part, state.position, this.#options.limits)
    state.sliceBytes = records.length
  }

  async #partitionFailed(state: PartitionState, code: number): Promise<void> {
    const { tp } = state
    if (code === ErrorCode.offsetOutOfRange) {
      try {
        await checkOffset(this.#cluster, tp, state.position)
      } catch (error) {
        if (!isTransient(error)) return this.#stop(state, error as Error)
      }
    } else if (!isRetriable(code)) {
      const error = { type: errorName(code), message: errorName(code) }
      return this.#stop(state, toEtlError(error, this.#cluster.config, `reading ${tpName(tp)}`, tp.topic))
    }
    this.#retryLater(state)
    await this.#refresh()
    const topic = this.#cluster.topic(tp.topic)
    const failing = Date.now() - (state.failingSince ?? Date.now())
    if (topic && state.topicId !== '' && topic.topicId !== state.topicId) {
      return this.#stop(state, recreated(tp))
    }
    const unknown = this.#cluster.topicError(tp.topic) === ErrorCode.unknownTopicOrPartition
    if (unknown && failing > unknownTopicGrace) return this.#stop(state, unknownTopic(tp.topic))
    if (failing > this.#options.timeout) this.#giveUp(new UnreachableError(errorName(code)))
  }

  async #requestFailed(states: readonly PartitionState[], error: unknown): Promise<void> {
    if (this.#closed) return
    const current = states.filter((state) => this.#isCurrent(state))
    if (!isTransient(error)) {
      this.fail(toEtlError(error, this.#cluster.config, 'fetching'))
      return
    }
    for (const state of current) this.#retryLater(state)
    await this.#refresh()
    const { timeout } = this.#options
    if (current.some(({ failingSince }) => Date.now() - (failingSince ?? Date.now()) > timeout)) {
      this.#giveUp(error)
    }
  }

  #retryLater(state: PartitionState): void {
    state.retryAt = Date.now() + backoff(state.failures)
    state.failures++
    state.failingSince ??= Date.now()
  }

  /** Partitions without a leader are looked for until one is elected. */
  async #findLeaders(): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    for (let attempt = 0; !this.#closed && !this.#failure; attempt++) {
      await this.#refresh()
      const orphans = [...this.#partitions.values()].filter(
        ({ tp }) => this.#cluster.leader(tp) === undefined,
      )
      if (orphans.length === 0) break
      for (const orphan of orphans) await this.#partitionFailed(orphan, this.#codeOf(orphan.tp))
      await pauseFor(backoff(attempt), this.#cluster.signal)
    }
    this.#refreshing = false
    this.#schedule()
  }

  #codeOf(tp: TopicPartition): number {
    return this.#cluster.topicError(tp.topic) || ErrorCode.leaderNotAvailable
  }

  async #refresh(): Promise<void> {
    try {
      await this.#cluster.refresh()
    } catch (error) {
      // The fetch that follows meets the same failure, and counts it.
      if (!isTransient(error)) this.fail(toEtlError(error, this.#cluster.config, 'reading the metadata'))
    }
  }

  #giveUp(cause: unknown): void {
    this.fail(unreachable(this.#cluster.config, cause))
  }

  /** Takes one partition out; the others go on. */
  #stop(state: PartitionState, error: Error): void {
    if (!this.#isCurrent(state)) return
    this.drop(state.tp)
    this.#onPartitionError(state.tp, error)
  }
}

function recreated(tp: TopicPartition): TopicChangedError {
  return new TopicChangedError(`topic ${tp.topic} was deleted and created again while it was read`, {
    where: tpName(tp),
    next: `etl offsets reset --topic ${tp.topic}`,
  })
}
