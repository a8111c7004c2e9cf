import { UnreachableError } from '../../errors.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isTransient, toEtlError, unknownTopic, unreachable } from '../cluster/failures.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/error-codes.ts'
import { fetchRequest } from '../protocol/fetch.ts'
import { type RecordBatch, type TopicPartition, tpName } from '../types.ts'
import { AssignedPartition } from './assigned-partition.ts'
import type { SliceLimits } from './log-slice.ts'
import { checkOffset, checkTopicId, refused } from './partition-errors.ts'

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
  readonly #partitions = new Map<string, AssignedPartition>()
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

  /** Replaces the assignment. Nothing of the old one is handed out any more. `topicIds`: which topics of these names are meant. */
  assign(positions: ReadonlyMap<TopicPartition, bigint>, topicIds: ReadonlyMap<string, string>): void {
    this.#partitions.clear()
    for (const [tp, position] of positions) {
      const topicId = topicIds.get(tp.topic) ?? ''
      this.#partitions.set(tpName(tp), new AssignedPartition(tp, topicId, position, this.#options.limits))
    }
    this.#schedule()
  }

  /** Nothing is handed out until the next assignment. */
  unassign(): void {
    this.#partitions.clear()
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
      if (!state.hasData || state.paused) continue
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

  #takeFrom(state: AssignedPartition): RecordBatch | undefined {
    try {
      return state.take()
    } catch (error) {
      this.#stop(state, error as Error)
      return undefined
    }
  }

  /** Starts every fetch that can start now. */
  #schedule(): void {
    if (this.#closed || this.#failure) return
    const now = Date.now()
    const lanes = new Map<string, { leader: number; lane: 'fetch' | 'tail'; states: AssignedPartition[] }>()
    let waiting = 0
    let wakeAt = Infinity
    let leaderless = false
    for (const state of this.#partitions.values()) {
      if (!state.paused) waiting += state.waitingBytes
      if (state.hasData || state.fetching || state.paused) continue
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
    states: readonly AssignedPartition[],
  ): Promise<void> {
    this.#busy.add(key)
    for (const state of states) state.fetching = true
    const byName = new Map(states.map((state) => [tpName(state.tp), state]))
    try {
      const { maxWait, maxBytes, maxPartitionBytes } = this.#options
      const positions = states.map(({ tp, topicId, position }) => ({ ...tp, topicId, offset: position }))
      const answer = await this.#cluster
        .node(leader, lane)
        .send((_, versions) =>
          fetchRequest(
            positions,
            { maxWait: lane === 'tail' ? maxWait : 0, maxBytes, maxPartitionBytes },
            versions[ApiKey.fetch]?.maxVersion ?? 11,
          ),
        )
      for (const part of answer.partitions) {
        const state = byName.get(tpName(part))
        if (!state || !this.#isCurrent(state)) continue
        if (part.errorCode === ErrorCode.none) state.receive(part)
        else await this.#partitionFailed(state, part.errorCode)
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

  #isCurrent(state: AssignedPartition): boolean {
    return this.#partitions.get(tpName(state.tp)) === state
  }

  async #partitionFailed(state: AssignedPartition, code: number): Promise<void> {
    const { tp } = state
    try {
      if (code === ErrorCode.offsetOutOfRange) await checkOffset(this.#cluster, tp, state.position)
      else if (!isRetriable(code)) throw refused(this.#cluster.config, tp, code)
      state.retryLater()
      await this.#refresh()
      checkTopicId(this.#cluster, tp, state.topicId)
      const unknown = this.#cluster.topicError(tp.topic) === ErrorCode.unknownTopicOrPartition
      if (unknown && state.failingFor > unknownTopicGrace) throw unknownTopic(tp.topic)
    } catch (error) {
      if (!isTransient(error)) return this.#stop(state, error as Error)
      state.retryLater()
    }
    if (state.failingFor > this.#options.timeout) this.#giveUp(new UnreachableError(errorName(code)))
  }

  async #requestFailed(states: readonly AssignedPartition[], error: unknown): Promise<void> {
    if (this.#closed) return
    const current = states.filter((state) => this.#isCurrent(state))
    if (!isTransient(error)) {
      this.fail(toEtlError(error, this.#cluster.config, 'fetching'))
      return
    }
    for (const state of current) state.retryLater()
    await this.#refresh()
    const { timeout } = this.#options
    if (current.some(({ failingFor }) => failingFor > timeout)) this.#giveUp(error)
  }

  /** Partitions without a leader are looked for until one is elected. */
  async #findLeaders(): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    for (let attempt = 0; !this.#closed && !this.#failure; attempt++) {
      await this.#refresh()
      const orphans = [...this.#partitions.values()].filter(
        ({ tp, paused }) => !paused && this.#cluster.leader(tp) === undefined,
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
  #stop(state: AssignedPartition, error: Error): void {
    if (!this.#isCurrent(state)) return
    this.drop(state.tp)
    this.#onPartitionError(state.tp, error)
  }
}
