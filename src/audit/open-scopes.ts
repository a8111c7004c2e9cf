import type { KafkaAdmin, TopicInfo } from '../kafka/admin.ts'
import type { StoredOffset } from '../sink/sink.ts'
import type { Snapshot } from '../sink/snapshot.ts'
import { Findings } from './findings.ts'
import { Letters } from './letters.ts'
import { newTally, type PartitionScope } from './scope.ts'

interface ScopeParts {
  readonly admin: KafkaAdmin
  readonly snapshot: Snapshot
  readonly request: {
    readonly topic: string
    readonly group: string
    readonly until?: ReadonlyMap<number, bigint> | undefined
    readonly examples?: number | undefined
  }
  readonly info: TopicInfo
  /** Log start offsets from before the snapshot. */
  readonly startsBefore: ReadonlyMap<number, bigint>
}

/** What is known of each partition before its log is read; what can be said already is among the findings. */
export async function openScopes(parts: ScopeParts): Promise<PartitionScope[]> {
  const { admin, snapshot, request, info, startsBefore } = parts
  const { topic, group, until, examples = 20 } = request
  const offsets = await snapshot.offsets(topic, group)
  const groups = await snapshot.groups(topic)
  // After the snapshot: the ends only grow, so that a running consumer is never ahead of the log.
  const [ends, starts, config, clusterId] = await Promise.all([
    admin.endOffsets(topic),
    admin.startOffsets(topic),
    admin.topicConfig(topic),
    admin.clusterId(),
  ])
  const ledgers = await snapshot.ledger(topic, group, starts)
  const scopes: PartitionScope[] = []
  for (const [partition, logEnd] of [...ends].sort(([a], [b]) => a - b)) {
    const stored = offsets.get(partition)
    const logStart = starts.get(partition) ?? 0n
    const limit = until?.get(partition)
    const findings = new Findings(examples)
    const inLog = {
      logStart: startsBefore.get(partition) ?? logStart,
      logEnd,
      clusterId,
      topicId: info.topicId,
    }
    const readable = judgePosition(topic, stored, inLog, findings)
    const to = min(stored?.offset ?? logStart, logEnd)
    const end = readable ? (limit === undefined ? to : min(to, limit)) : logStart
    scopes.push({
      topic,
      partition,
      logStart,
      logEnd,
      stored,
      end,
      cut: limit !== undefined && limit < to,
      compacted: (config.get('cleanup.policy') ?? '').includes('compact'),
      letters: await Letters.read(snapshot.letters(topic, group, partition)),
      ledger: ledgers.get(partition),
      ledgerStart: await snapshot.firstBatch(topic, group, partition),
      shared: [...groups].some((name) => name !== group),
      findings,
      tally: newTally(),
    })
  }
  return scopes
}

interface InLog {
  readonly logStart: bigint
  readonly logEnd: bigint
  readonly clusterId: string
  readonly topicId: string
}

/** Notes what the offset alone says. False: the offset is of another log, which cannot be compared with this one. */
function judgePosition(
  topic: string,
  stored: StoredOffset | undefined,
  { logStart, logEnd, clusterId, topicId }: InLog,
  findings: Findings,
): boolean {
  const consume = `etl consume --topic ${topic}`
  const reset = `etl offsets reset --topic ${topic} --to earliest`
  if (!stored) {
    findings.addMany('unclaimed', logEnd - logStart, { next: consume })
    return true
  }
  if (stored.clusterId && stored.clusterId !== clusterId) {
    findings.addMany('cluster_changed', 1n, {
      detail: `${stored.clusterId}, this one is ${clusterId}`,
      next: reset,
    })
    return false
  }
  if (stored.topicId && topicId && stored.topicId !== topicId) {
    findings.addMany('topic_recreated', 1n, {
      detail: `${stored.topicId}, this one is ${topicId}`,
      next: reset,
    })
    return false
  }
  if (stored.offset > logEnd)
    findings.addMany('offset_ahead', stored.offset - logEnd, {
      detail: `${stored.offset}, the log ends at ${logEnd}`,
      next: `etl offsets reset --topic ${topic} --to latest`,
    })
  if (stored.offset < logStart)
    findings.addMany('expired_unread', logStart - stored.offset, {
      detail: `[${stored.offset}, ${logStart})`,
      next: reset,
    })
  if (stored.offset < logEnd && stored.offset >= logStart)
    findings.addMany('behind', logEnd - stored.offset, { next: consume })
  return true
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
