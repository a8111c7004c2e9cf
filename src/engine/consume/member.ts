import { ConfigError, UnreachableError } from '../../errors.ts'
import type { KafkaAdmin } from '../../kafka/admin.ts'
import type { Reader } from '../../kafka/reader.ts'
import type { TopicPartition } from '../../kafka/types.ts'
import type { Sink } from '../../sink/sink.ts'
import { whileUnreachable } from '../backoff.ts'
import { toThreadError } from '../thread-error.ts'
import { type Budget, sharedBudget } from './budget.ts'
import type { ConsumeJob, LaneProgress } from './job.ts'
import { outsideLog } from './outside-log.ts'
import { PartitionLane } from './partition-lane.ts'
import type { RecordEncoder } from './record-encoder.ts'

const mirrorInterval = 5_000

export interface MemberParts {
  readonly reader: Reader
  readonly sink: Sink
  readonly admin: KafkaAdmin
  readonly encoder: RecordEncoder
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
  /** Lanes by partition; those that ended by themselves stay here until the partition is revoked. */
  private readonly lanes = new Map<number, PartitionLane>()
  /** Lanes given back and claims that failed, for the totals. */
  private readonly past: LaneProgress[] = []

  constructor(job: ConsumeJob, parts: MemberParts) {
    this.job = job
    this.parts = parts
    this.budget = sharedBudget(job.budget)
    parts.reader.onAssign((tps) => this.assign(tps))
    parts.reader.onRevoke((tps) => this.revoke(tps))
    parts.reader.onPartitionError((tp, error) => void this.fail(tp, error))
  }

  /** Runs until `stop()`; rejects when the reader cannot go on. */
  async run(): Promise<void> {
    const mirror = setInterval(() => void this.mirror(), mirrorInterval)
    try {
      for await (const batch of this.parts.reader.batches()) this.lanes.get(batch.partition)?.push(batch)
    } finally {
      clearInterval(mirror)
      await this.revoke([...this.lanes.values()].map((lane) => lane.tp))
      await this.parts.reader.close()
    }
  }

  /** Finishes the transactions in progress, mirrors the offsets and leaves the group. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.revoke([...this.lanes.values()].map((lane) => lane.tp))
    await this.parts.reader.close()
  }

  progress(): LaneProgress[] {
    return [...this.past, ...[...this.lanes.values()].map((lane) => lane.progress())]
  }

  private async assign(tps: TopicPartition[]): Promise<Map<TopicPartition, bigint>> {
    const positions = new Map<TopicPartition, bigint>()
    const log = await this.retry(() => this.describeLog())
    await Promise.all(
      tps.map(async (tp) => {
        try {
          const lane = await this.retry(() => this.claim(tp, log))
          this.lanes.set(tp.partition, lane)
          positions.set(tp, lane.progress().offset)
        } catch (error) {
          this.past.push(failedClaim(tp, error))
        }
      }),
    )
    return positions
  }

  private async claim(tp: TopicPartition, log: LogState): Promise<PartitionLane> {
    const { job, parts } = this
    const start = log.start.get(tp.partition) ?? 0n
    const end = log.end.get(tp.partition) ?? 0n
    const lane = await parts.sink.claim(tp, {
      group: job.group,
      name: job.owner,
      clusterId: log.clusterId,
      topicId: log.topicId,
      initialOffset: job.from === 'earliest' ? start : end,
      target: job.target,
    })
    if (lane.nextOffset < start || lane.nextOffset > end) {
      await lane.release()
      throw outsideLog(tp, job.group, lane.nextOffset, start, end)
    }
    const { reader, encoder } = parts
    return new PartitionLane(lane, end, job.until?.get(tp.partition), {
      encode: (slice) => encoder.encode(slice),
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
    if (!topic)
      throw new ConfigError(`the topic ${this.job.topic} does not exist`, {
        next: `etl apply --topic ${this.job.topic}`,
      })
    const [clusterId, start, end] = await Promise.all([
      admin.clusterId(),
      admin.startOffsets(this.job.topic),
      admin.endOffsets(this.job.topic),
    ])
    return { clusterId, topicId: topic.topicId, start, end }
  }

  private async revoke(tps: TopicPartition[]): Promise<void> {
    const lanes = tps.flatMap((tp) => this.lanes.get(tp.partition) ?? [])
    await Promise.all(lanes.map((lane) => lane.stop()))
    await this.mirror(lanes)
    for (const lane of lanes) {
      if (this.lanes.get(lane.tp.partition) !== lane) continue
      this.lanes.delete(lane.tp.partition)
      this.past.push(lane.progress())
    }
  }

  private async fail(tp: TopicPartition, error: Error): Promise<void> {
    await this.lanes.get(tp.partition)?.stop()
    this.lanes.delete(tp.partition)
    this.past.push(failedClaim(tp, error))
  }

  /** Best effort: lag tools only; the sink's offset is the one that counts. */
  private async mirror(lanes: Iterable<PartitionLane> = this.lanes.values()): Promise<void> {
    const offsets = new Map([...lanes].map((lane) => [lane.tp, lane.progress().offset] as const))
    if (offsets.size > 0) await this.parts.reader.mirrorOffsets(offsets)
  }

  private retry<T>(f: () => Promise<T>): Promise<T> {
    return whileUnreachable(f, this.stopping.signal, () => {})
  }
}

interface LogState {
  readonly clusterId: string
  readonly topicId: string
  readonly start: ReadonlyMap<number, bigint>
  readonly end: ReadonlyMap<number, bigint>
}

function failedClaim(tp: TopicPartition, error: unknown): LaneProgress {
  return {
    partition: tp.partition,
    epoch: 0n,
    state: error instanceof UnreachableError ? 'released' : 'failed',
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
    error: toThreadError(error),
  }
}
