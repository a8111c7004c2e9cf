import type { LaneProgress } from './job.ts'
import { mergeHealth, type ServerHealth } from './server-health.ts'

/** One partition over all its lanes in this process, and the sums. */
export interface ConsumeProgress {
  readonly lanes: readonly LaneProgress[]
  readonly read: number
  readonly written: number
  readonly filtered: number
  readonly deadLettered: number
  readonly commits: number
  readonly recovered: number
  /** Claims that another owner ended. */
  readonly fenced: number
  /** Records between the sink's offsets and the high watermarks, of the partitions read here. */
  readonly lag: bigint
  readonly queuedRecords: number
  readonly queuedBytes: number
  readonly paused: number
  /** Partitions that wait for a server. */
  readonly waiting: number
  /** The servers as all members together see them. */
  readonly servers: readonly ServerHealth[]
}

/** Adds up the lanes of all members: counts over every claim, position and state of the latest one. */
export function summarize(
  lanes: readonly LaneProgress[],
  servers: readonly ServerHealth[] = [],
): ConsumeProgress {
  const byPartition = new Map<number, LaneProgress>()
  for (const lane of lanes) {
    const before = byPartition.get(lane.partition)
    byPartition.set(lane.partition, before ? merge(before, lane) : lane)
  }
  const merged = [...byPartition.values()].sort((a, b) => a.partition - b.partition)
  const sum = (f: (lane: LaneProgress) => number) => merged.reduce((total, lane) => total + f(lane), 0)
  return {
    lanes: merged,
    read: sum((lane) => lane.read),
    written: sum((lane) => lane.written),
    filtered: sum((lane) => lane.filtered),
    deadLettered: sum((lane) => lane.deadLettered),
    commits: sum((lane) => lane.commits),
    recovered: sum((lane) => lane.recovered),
    fenced: sum((lane) => lane.fenced),
    lag: merged.reduce((total, lane) => total + lagOf(lane), 0n),
    queuedRecords: sum((lane) => lane.queuedRecords),
    queuedBytes: sum((lane) => lane.queuedBytes),
    paused: merged.filter((lane) => lane.paused).length,
    waiting: merged.filter((lane) => lane.state === 'waiting').length,
    servers: mergeHealth(servers),
  }
}

function lagOf(lane: LaneProgress): bigint {
  const lag = lane.highWatermark - lane.offset
  return lag > 0n ? lag : 0n
}

/** Counts of both; position and state of the later one. */
export function merge(a: LaneProgress, b: LaneProgress): LaneProgress {
  // A failed claim has no epoch; between two claims the epoch tells, also when the fenced one ends last.
  const later = a.epoch > 0n && b.epoch > 0n ? b.epoch >= a.epoch : b.changedAt >= a.changedAt
  return {
    ...(later ? b : a),
    read: a.read + b.read,
    written: a.written + b.written,
    filtered: a.filtered + b.filtered,
    deadLettered: a.deadLettered + b.deadLettered,
    commits: a.commits + b.commits,
    recovered: a.recovered + b.recovered,
    fenced: a.fenced + b.fenced,
    waits: a.waits + b.waits,
    waitedMs: a.waitedMs + b.waitedMs,
  }
}
