import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { UnreachableError } from '../../errors.ts'
import { deniedByCode } from '../access.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import { Cluster } from '../cluster/cluster.ts'
import { isTransient, protocolErrorType, toEtlError, unknownTopic } from '../cluster/failures.ts'
import type { KafkaConfig } from '../config.ts'
import { Fetcher } from '../fetch/fetcher.ts'
import { defaultLimits } from '../fetch/log-slice.ts'
import { ErrorCode, errorName } from '../protocol/error-codes.ts'
import type { GroupReaderOptions, Reader } from '../reader.ts'
import { type RecordBatch, type TopicPartition, tpName } from '../types.ts'
import { type Ending, Heartbeat, isLoss } from './heartbeat.ts'
import { type Generation, Membership } from './membership.ts'

/** Milliseconds without a coordinator, or without a partition's leader, after which the reader fails. */
const patience = 120_000
/** Milliseconds after which a new topic must be known to the broker that is asked. */
const topicGrace = 5_000
/** Milliseconds that close() gives the coordinator to take note of it. */
const leaveTimeout = 500
/** Milliseconds that close() gives an onAssign under way. */
const assignPatience = 5_000

type OnAssign = (tps: TopicPartition[], signal: AbortSignal) => Promise<Map<TopicPartition, bigint>>
type OnRevoke = (tps: TopicPartition[]) => Promise<void>

/**
 * A member of a consumer group (classic protocol, eager rebalances). Joins when batches() is first read.
 *
 * In a rebalance every partition is revoked: delivery stops, onRevoke is awaited, the member joins again, and onAssign says where to
 * read on. close() calls neither; who closes has drained before.
 */
export class GroupReader implements Reader {
  readonly #cluster: Cluster
  readonly #membership: Membership
  readonly #fetcher: Fetcher
  readonly #topics: readonly string[]
  readonly #sessionTimeout: number
  readonly #rebalanceTimeout: number
  readonly #metadataInterval: number
  #onAssign: OnAssign = async () => new Map()
  #onRevoke: OnRevoke = async () => {}
  #onPartitionError: (tp: TopicPartition, error: Error) => void = (_tp, error) => this.#fetcher.fail(error)
  #joined = false
  #closing = false
  readonly #closed = new AbortController()
  /** Partitions dropped before their assignment was complete. */
  readonly #dropped = new Set<string>()
  #assigning: Promise<unknown> = Promise.resolve()
  #running: Promise<void> | undefined
  #closedOnce: Promise<void> | undefined

  constructor(config: KafkaConfig, options: GroupReaderOptions) {
    this.#cluster = new Cluster({ ...config, clientId: options.clientId })
    this.#topics = options.topics
    this.#sessionTimeout = options.sessionTimeout ?? 30_000
    this.#rebalanceTimeout = options.rebalanceTimeout ?? 60_000
    this.#metadataInterval = options.metadataInterval ?? 30_000
    this.#membership = new Membership(this.#cluster, {
      group: options.group,
      topics: options.topics,
      sessionTimeout: this.#sessionTimeout,
      rebalanceTimeout: this.#rebalanceTimeout,
    })
    this.#fetcher = new Fetcher(
      this.#cluster,
      {
        maxWait: options.maxWait ?? 250,
        maxBytes: options.maxBytes ?? 8 * 1024 * 1024,
        maxPartitionBytes: options.maxPartitionBytes ?? 1024 * 1024,
        limits: defaultLimits,
        timeout: patience,
      },
      (tp, error) => this.#onPartitionError(tp, error),
    )
  }

  onAssign(f: OnAssign): void {
    this.#onAssign = f
  }

  onRevoke(f: OnRevoke): void {
    this.#onRevoke = f
  }

  onPartitionError(f: (tp: TopicPartition, error: Error) => void): void {
    this.#onPartitionError = f
  }

  async *batches(): AsyncGenerator<RecordBatch> {
    this.#running ??= this.#run()
    for (let batch = await this.#fetcher.next(); batch; batch = await this.#fetcher.next()) yield batch
  }

  pause(tps: TopicPartition[]): void {
    this.#fetcher.pause(tps)
  }

  resume(tps: TopicPartition[]): void {
    this.#fetcher.resume(tps)
  }

  drop(tp: TopicPartition): void {
    this.#dropped.add(tpName(tp))
    this.#fetcher.drop(tp)
  }

  async mirrorOffsets(offsets: ReadonlyMap<TopicPartition, bigint>): Promise<boolean> {
    if (!this.#joined || this.#closing || offsets.size === 0) return false
    try {
      await this.#membership.commit(offsets)
      return true
    } catch {
      return false // best effort: the sink's offsets are the ones that count
    }
  }

  close(): Promise<void> {
    this.#closedOnce ??= this.#close()
    return this.#closedOnce
  }

  async #close(): Promise<void> {
    this.#closing = true
    this.#closed.abort()
    this.#fetcher.close()
    const timer = new AbortController()
    // No claim may happen after close; a callback that does not look at its signal is waited for so long and no longer.
    const patient = delay(assignPatience, undefined, { signal: timer.signal }).catch(() => undefined)
    await Promise.race([this.#assigning, patient])
    const left = this.#membership.leave().catch(() => undefined) // the session timeout does it, too
    await Promise.race([
      left,
      delay(leaveTimeout, undefined, { signal: timer.signal }).catch(() => undefined),
    ])
    timer.abort()
    this.#cluster.close()
  }

  async #run(): Promise<void> {
    try {
      let owned: TopicPartition[] = []
      while (!this.#closing) {
        const generation = await this.#join(owned)
        const ending = await this.#hold(generation)
        owned = ending === 'rebalance' ? generation.assigned : []
      }
    } catch (error) {
      if (!this.#closing) this.#fetcher.fail(toEtlError(error, this.#cluster.config, 'reading as a group'))
    }
  }

  async #join(had: TopicPartition[]): Promise<Generation> {
    let owned = had
    const started = Date.now()
    for (let attempt = 0; ; attempt++) {
      try {
        const generation = await this.#membership.join(owned)
        const missing = this.#topics.find((topic) => this.#cluster.topic(topic) === undefined)
        if (missing === undefined) return generation
        this.#refuse(missing, Date.now() - started)
      } catch (error) {
        if (this.#closing) throw error
        this.#membership.recover(error)
        if (isLoss(error)) owned = []
        const again =
          isLoss(error) || isTransient(error) || protocolErrorType(error) === 'REBALANCE_IN_PROGRESS'
        if (!again || Date.now() - started > patience) throw error
      }
      await pauseFor(backoff(attempt), this.#cluster.signal)
    }
  }

  /** Throws why the topic has no partitions to share out, unless it may only be new to the broker that was asked. */
  #refuse(topic: string, waited: number): void {
    const code = this.#cluster.topicError(topic) ?? ErrorCode.unknownServerError
    if (code === ErrorCode.unknownTopicOrPartition) {
      if (waited > topicGrace) throw unknownTopic(topic)
      return
    }
    const right = { api: 'Metadata', name: topic, doing: 'reading as a group' }
    throw (
      deniedByCode(this.#cluster.config, code, right) ??
      new UnreachableError(`topic ${topic} cannot be read: ${errorName(code)}`, { where: topic })
    )
  }

  /** From the start of a generation to its end. */
  async #hold(generation: Generation): Promise<Ending> {
    const ended = Promise.withResolvers<Ending>()
    const over = new AbortController()
    // A heartbeat may fail for good while onAssign works, before anybody awaits `ended`: handled here, thrown there.
    ended.promise.then(
      () => over.abort(),
      () => over.abort(),
    )
    const heartbeat = new Heartbeat(this.#membership, this.#sessionTimeout, {
      ending: ended.resolve,
      fatal: ended.reject,
    })
    const watch = setInterval(async () => {
      if (generation.shared && (await this.#grew(generation.shared))) ended.resolve('rebalance')
    }, this.#metadataInterval)
    const stopTimers = () => {
      heartbeat.stop()
      clearInterval(watch)
    }
    // Also when an onAssign never returns: its timers would keep the process alive.
    const aborted = () => {
      stopTimers()
      ended.resolve('lost')
    }
    this.#cluster.signal.addEventListener('abort', aborted)
    this.#joined = true
    try {
      const { assigned } = generation
      // As of now: positions that onAssign finds for these topics are not for others that get their names meanwhile.
      const topicIds = new Map(
        this.#topics.map((topic) => [topic, this.#cluster.topic(topic)?.topicId ?? '']),
      )
      if (this.#closing) return 'lost'
      const positions = assigned.length === 0 ? new Map() : await this.#assign([...assigned], over)
      if (this.#closing) return 'lost'
      if (!over.signal.aborted) this.#fetcher.assign(this.#undropped(positions), topicIds)
      const ending = await ended.promise
      this.#joined = ending === 'rebalance'
      this.#fetcher.unassign()
      await setImmediate() // a batch that was taken just before reaches its consumer before onRevoke is called
      if (this.#closing) return ending
      if (assigned.length > 0) await this.#revoke([...assigned])
      return ending
    } finally {
      this.#joined = false
      stopTimers()
      this.#cluster.signal.removeEventListener('abort', aborted)
    }
  }

  async #assign(tps: TopicPartition[], over: AbortController): Promise<Map<TopicPartition, bigint>> {
    const abort = () => over.abort()
    this.#closed.signal.addEventListener('abort', abort)
    this.#dropped.clear()
    const assigning = this.#call(() => this.#onAssign(tps, over.signal).catch(nothingIfAborted(over.signal)))
    this.#assigning = assigning.catch(() => undefined)
    try {
      return await assigning
    } finally {
      this.#closed.signal.removeEventListener('abort', abort)
    }
  }

  #undropped(positions: ReadonlyMap<TopicPartition, bigint>): Map<TopicPartition, bigint> {
    return new Map([...positions].filter(([tp]) => !this.#dropped.has(tpName(tp))))
  }

  /** The coordinator waits for the rebalance timeout only; after it the partitions are others', so we go on, too. */
  async #revoke(tps: TopicPartition[]): Promise<void> {
    const timer = new AbortController()
    const timeout = delay(this.#rebalanceTimeout, undefined, { signal: timer.signal }).catch(() => undefined)
    try {
      await Promise.race([this.#call(() => this.#onRevoke(tps)), timeout])
    } finally {
      timer.abort()
    }
  }

  /** An error of a callback ends batches() as it is: it is not Kafka's. */
  async #call<T>(callback: () => Promise<T>): Promise<T> {
    try {
      return await callback()
    } catch (error) {
      this.#fetcher.fail(error as Error)
      throw error
    }
  }

  /**
   * True when a topic has more partitions than were shared out: they have no member until the leader joins again. A topic with fewer
   * was deleted or made anew, which the fetches notice, or the broker asked is not up to date.
   */
  async #grew(shared: ReadonlyMap<string, number>): Promise<boolean> {
    try {
      await this.#cluster.refresh([...shared.keys()])
    } catch {
      return false // the fetches and heartbeats see a cluster that is away, and count it
    }
    return [...shared].some(([topic, count]) => (this.#cluster.topic(topic)?.partitions.length ?? 0) > count)
  }
}

/** A callback may leave by its signal's AbortError; every other error is one, aborted or not. */
function nothingIfAborted(signal: AbortSignal): (error: unknown) => Map<TopicPartition, bigint> {
  return (error) => {
    if (signal.aborted && (error as Error).name === 'AbortError') return new Map()
    throw error
  }
}
