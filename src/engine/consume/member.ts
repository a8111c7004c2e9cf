import type { KafkaAdmin } from '../../kafka/admin.ts'
import { unknownTopic } from '../../kafka/errors.ts'
import type { Reader } from '../../kafka/reader.ts'
import type { TopicPartition } from '../../kafka/types.ts'
import type { DeadLetter, Lane, Owner, Sink } from '../../sink/sink.ts'
import { toThreadError } from '../thread-error.ts'
import { type Budget, sharedBudget } from './budget.ts'
import type { ConsumeJob, LaneProgress } from './job.ts'
import { outsideLog } from './outside-log.ts'
import { PartitionLane } from './partition-lane.ts'
import type { RecordEncoder } from './record-encoder.ts'
import type { ServerHealth } from './server-health.ts'
import { Servers } from './servers.ts'
import { merge } from './totals.ts'
import { Waits } from './waits.ts'

const mirrorInterval = 5_000

export interface MemberParts {
  readonly reader: Reader
  readonly sink: Sink
  readonly admin: KafkaAdmin
  readonly encoder: RecordEncoder
  /** Copies dead letters to a topic before they are committed. */
  readonly publish: ((tp: TopicPartition, letters: readonly DeadLetter[]) => Promise<void>) | undefined
}

/**
 * One member of the consumer group: claims the partitions that it is given, runs a lane for each, and gives them
 * back. Knows ports only.
 */
export class Member {
  private readonly job: ConsumeJob
  private readonly parts: MemberParts
  private readonly budget: Budget
  private readonly stopping = new AbortController()
  private readonly servers: Servers
  /** Lanes by partition; those that ended by themselves stay here until the partition is revoked. */
  private readonly lanes = new Map<number, PartitionLane>()
  /** What earlier lanes and failed claims of a partition come to. */
  private readonly past = new Map<number, LaneProgress>()
  /** What the claims under way wait for. */
  private readonly claiming = new Map<number, () => LaneProgress>()
  private assigning: Promise<unknown> = Promise.resolve()

  constructor(job: ConsumeJob, parts: MemberParts) {
    this.job = job
    this.parts = parts
    this.budget = sharedBudget(job.budget)
    this.servers = new Servers({ retryFor: job.retryFor })
    parts.reader.onAssign((tps, signal) => this.assign(tps, signal))
    parts.reader.onRevoke((tps) => this.handOver(tps))
    parts.reader.onPartitionError((tp, error) => void this.fail(tp, error))
  }

  /** Runs until `stop()`; rejects when the reader cannot go on. */
  async run(): Promise<void> {
    const mirror = setInterval(() => void this.mirror(), mirrorInterval)
    try {
      for await (const batch of this.parts.reader.batches()) this.lanes.get(batch.partition)?.push(batch)
    } finally {
      clearInterval(mirror)
      await this.stop()
    }
  }

  /** Finishes the transactions in progress, mirrors the offsets and leaves the group. */
  async stop(): Promise<void> {
    this.stopping.abort()
    // A claim under way would make a lane that nobody stops.
    await this.assigning
    await this.end([...this.lanes.values()].map((lane) => lane.tp))
    await this.parts.reader.close()
  }

  progress(): LaneProgress[] {
    return [
      ...this.past.values(),
      ...[...this.claiming.values()].map((claim) => claim()),
      ...[...this.lanes.values()].map((lane) => lane.progress()),
    ]
  }

  health(): ServerHealth[] {
    return this.servers.health()
  }

  private assign(tps: TopicPartition[], signal: AbortSignal): Promise<Map<TopicPartition, bigint>> {
    const work = this.claimAll(tps, AbortSignal.any([signal, this.stopping.signal]))
    this.assigning = work.catch(() => undefined)
    return work
  }

  /** A claim that fails is reported and leaves its partition out; once `signal` aborts nothing new is claimed. */
  private async claimAll(tps: TopicPartition[], signal: AbortSignal): Promise<Map<TopicPartition, bigint>> {
    const positions = new Map<TopicPartition, bigint>()
    try {
      const log = await this.waitingFor(tps, (waits) =>
        waits.guard(this.servers.kafka, () => this.describeLog(), signal),
      )
      await Promise.all(
        tps.map(async (tp) => {
          const position = await this.claimOne(tp, log, signal)
          if (position !== undefined) positions.set(tp, position)
        }),
      )
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return positions
  }

  /** Where to read on; undefined when the partition is not to be read: failed, at its end, or the assignment is over. */
  private async claimOne(
    tp: TopicPartition,
    log: LogState,
    signal: AbortSignal,
  ): Promise<bigint | undefined> {
    try {
      const claimed = await this.waitingFor([tp], async (waits) => {
        const lane = await waits.guard(this.servers.database, () => this.claim(tp, log, signal), signal)
        await this.requireInLog(lane, log, waits, signal)
        return lane
      })
      if (signal.aborted) {
        await claimed.release()
        return undefined
      }
      const lane = this.laneFor(claimed, log)
      this.lanes.set(tp.partition, lane)
      const { state, offset } = lane.progress()
      return state === 'done' ? undefined : offset
    } catch (error) {
      if (!signal.aborted) this.remember(failedClaim(tp, error))
      return undefined
    }
  }

  /** Shows the partitions as waiting while `claim` waits for a server. */
  private async waitingFor<T>(
    tps: readonly TopicPartition[],
    claim: (waits: Waits) => Promise<T>,
  ): Promise<T> {
    const waits = new Waits(() => {
      for (const { partition } of tps) {
        if (!waits.isWaiting) this.claiming.delete(partition)
        else
          this.claiming.set(partition, () => ({
            ...unclaimed(partition, 'waiting'),
            ...waits.progress(),
            error: waits.error,
          }))
      }
    })
    try {
      return await claim(waits)
    } finally {
      for (const { partition } of tps) this.addWaits(partition, waits)
    }
  }

  private addWaits(partition: number, waited: Waits): void {
    const { waits, waitedMs } = waited.progress()
    if (waits === 0) return
    const before = this.past.get(partition) ?? unclaimed(partition, 'released')
    const sum = { waits: before.waits + waits, waitedMs: before.waitedMs + waitedMs }
    this.past.set(partition, { ...before, ...sum })
  }

  private async claim(tp: TopicPartition, log: LogState, signal: AbortSignal): Promise<Lane> {
    signal.throwIfAborted()
    const { job } = this
    const { start, end } = boundsOf(log, tp)
    const fromEnd = job.from === 'latest' && tp.partition < job.partitions
    const owner: Owner = {
      group: job.group,
      name: job.owner,
      clusterId: log.clusterId,
      topicId: log.topicId,
      initialOffset: fromEnd ? end : start,
      target: job.target,
      ...(this.parts.publish ? { onDeadLetters: this.parts.publish } : {}),
    }
    return await this.parts.sink.claim(tp, owner, signal)
  }

  /**
   * Releases the lane and throws ConfigError when its offset is not in the log. A claim waits for the owner before and for a database that is
   * away: the log may have grown since it was looked at, and is looked at again before it is said to be too short.
   */
  private async requireInLog(lane: Lane, log: LogState, waits: Waits, signal: AbortSignal): Promise<void> {
    try {
      if (isInLog(lane, log)) return
      const now = await waits.guard(this.servers.kafka, () => this.describeLog(), signal)
      if (isInLog(lane, now)) return
      const { topic, partition } = lane
      const { start, end } = boundsOf(now, lane)
      throw outsideLog({ topic, partition }, this.job.group, lane.nextOffset, start, end)
    } catch (error) {
      await lane.release()
      throw error
    }
  }

  private laneFor(lane: Lane, log: LogState): PartitionLane {
    const { job, parts } = this
    const { reader, encoder } = parts
    return new PartitionLane(lane, log.end.get(lane.partition) ?? 0n, job.until?.get(lane.partition), {
      needsSchemas: (records) => encoder.needsSchemas(records),
      learn: (records) => encoder.learn(records),
      encode: (slice) => encoder.encode(slice),
      servers: this.servers,
      pause: (p) => reader.pause([p]),
      resume: (p) => reader.resume([p]),
      drop: (p) => reader.drop(p),
      limits: job.limits,
      budget: this.budget,
    })
  }

  private async describeLog(): Promise<LogState> {
    const { admin } = this.parts
    const topic = await admin.topic(this.job.topic)
    if (!topic) throw unknownTopic(this.job.topic)
    const [clusterId, start, end] = await Promise.all([
      admin.clusterId(),
      admin.startOffsets(this.job.topic),
      admin.endOffsets(this.job.topic),
    ])
    return { clusterId, topicId: topic.topicId, start, end }
  }

  /** The group takes the partitions away; a lane that was fenced before has done its part with that. */
  private async handOver(tps: TopicPartition[]): Promise<void> {
    for (const progress of await this.end(tps)) {
      if (progress.state === 'fenced') this.past.set(progress.partition, { ...progress, state: 'released' })
    }
  }

  /** Stops the lanes and mirrors their offsets; gives what is now known of their partitions. */
  private async end(tps: TopicPartition[]): Promise<LaneProgress[]> {
    const lanes = tps.flatMap((tp) => this.lanes.get(tp.partition) ?? [])
    await Promise.all(lanes.map((lane) => lane.stop()))
    await this.mirror(lanes)
    return lanes.flatMap((lane) => {
      const progress = this.forget(lane)
      return progress ? [this.remember(progress)] : []
    })
  }

  private async fail(tp: TopicPartition, error: Error): Promise<void> {
    const lane = this.lanes.get(tp.partition)
    // What stands before the bad place is good: the stored offset is to be the place itself.
    await lane?.drain()
    const progress = lane && this.forget(lane)
    if (progress) this.remember(progress)
    this.remember(failedClaim(tp, error))
  }

  private forget(lane: PartitionLane): LaneProgress | undefined {
    if (this.lanes.get(lane.tp.partition) !== lane) return undefined
    this.lanes.delete(lane.tp.partition)
    return lane.progress()
  }

  private remember(progress: LaneProgress): LaneProgress {
    const before = this.past.get(progress.partition)
    const all = before ? merge(before, progress) : progress
    this.past.set(progress.partition, all)
    return all
  }

  /** Best effort: lag tools only; the sink's offset is the one that counts. */
  private async mirror(lanes: Iterable<PartitionLane> = this.lanes.values()): Promise<void> {
    const offsets = new Map([...lanes].map((lane) => [lane.tp, lane.progress().offset] as const))
    if (offsets.size > 0) await this.parts.reader.mirrorOffsets(offsets)
  }
}

interface LogState {
  readonly clusterId: string
  readonly topicId: string
  readonly start: ReadonlyMap<number, bigint>
  readonly end: ReadonlyMap<number, bigint>
}

function boundsOf(log: LogState, { partition }: TopicPartition): { start: bigint; end: bigint } {
  return { start: log.start.get(partition) ?? 0n, end: log.end.get(partition) ?? 0n }
}

function isInLog(lane: Lane, log: LogState): boolean {
  const { start, end } = boundsOf(log, lane)
  return lane.nextOffset >= start && lane.nextOffset <= end
}

function failedClaim({ partition }: TopicPartition, error: unknown): LaneProgress {
  return { ...unclaimed(partition, 'failed'), error: toThreadError(error) }
}

function unclaimed(partition: number, state: LaneProgress['state']): LaneProgress {
  return {
    partition,
    epoch: 0n,
    state,
    offset: -1n,
    highWatermark: -1n,
    read: 0,
    written: 0,
    filtered: 0,
    deadLettered: 0,
    commits: 0,
    recovered: 0,
    queuedRecords: 0,
    queuedBytes: 0,
    paused: false,
    waiting: undefined,
    waits: 0,
    waitedMs: 0,
    fenced: 0,
    changedAt: Date.now(),
    error: undefined,
  }
}
