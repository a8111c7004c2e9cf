import { UnreachableError } from '../../errors.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isTransient, toEtlError, unknownTopic, unreachable } from '../cluster/failures.ts'
import { CorruptBatchError } from '../errors.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/error-codes.ts'
import { type FetchedPartition, type FetchOptions, fetchRequest } from '../protocol/fetch.ts'
import { type TopicPartition, tpName } from '../types.ts'
import { LogSlice, type SliceLimits } from './log-slice.ts'
import { checkOffset, checkTopicId, located, mayBeTransportDamage, refused } from './partition-errors.ts'

export interface PartitionLogOptions extends FetchOptions {
  readonly limits: SliceLimits
  /** Milliseconds without any answer from the partition's leader after which reading fails. */
  readonly timeout: number
}

/** Refetches of a batch that is damaged: the network may have done it. */
const corruptRetries = 2
/** Empty answers at the log's end until it is believed; a new leader may lag behind for a moment. */
const emptyAnswers = 2

/**
 * Walks [from, to) of one partition, fetch by fetch; `step` takes from a slice until it returns undefined. Ends at `to`,
 * or before it where the log's stable part ends.
 */
export async function* walkLog<T>(
  cluster: Cluster,
  tp: TopicPartition,
  range: { readonly from: bigint; readonly to: bigint },
  options: PartitionLogOptions,
  step: (slice: LogSlice) => T | undefined,
): AsyncGenerator<T> {
  if (range.from >= range.to) return
  const source = await openSource(cluster, tp, options.timeout)
  let position = range.from
  let empty = 0
  let damaged = 0
  while (position < range.to) {
    const before = position
    const part = await fetchPartition(cluster, source, position, options)
    const slice = new LogSlice(part, position, options.limits, range.to)
    try {
      for (let item = step(slice); item !== undefined; item = step(slice)) {
        position = slice.position
        yield item
      }
      damaged = 0
    } catch (error) {
      if (!mayBeTransportDamage(error) || damaged >= corruptRetries) throw located(error, tp)
      damaged++
      continue
    }
    empty = slice.position > before ? 0 : empty + 1
    if (empty < emptyAnswers) continue
    if (part.records.length > 0 && position < part.lastStableOffset) {
      throw new CorruptBatchError('the broker gives no complete record batch', {
        where: `${tpName(tp)}@${position}`,
      })
    }
    return
  }
}

/** A partition of the topic that had the name when reading began. */
interface Source extends TopicPartition {
  readonly topicId: string
}

/** Looks the topic up anew: what is known of it may be old. */
async function openSource(cluster: Cluster, tp: TopicPartition, timeout: number): Promise<Source> {
  await cluster.retry('reading the metadata', timeout, () => cluster.refresh([tp.topic]))
  missing(cluster, tp)
  return { ...tp, topicId: cluster.topic(tp.topic)?.topicId ?? '' }
}

/** One answer of the leader without an error; retries within the timeout. */
async function fetchPartition(
  cluster: Cluster,
  tp: Source,
  offset: bigint,
  options: PartitionLogOptions,
): Promise<FetchedPartition> {
  const deadline = Date.now() + options.timeout
  for (let attempt = 0; ; attempt++) {
    let failure: Error
    try {
      const part = await fetchFromLeader(cluster, tp, offset, options)
      if (part.errorCode === ErrorCode.none) return part
      if (part.errorCode === ErrorCode.offsetOutOfRange) await checkOffset(cluster, tp, offset)
      else if (!isRetriable(part.errorCode)) throw refused(cluster.config, tp, part.errorCode)
      failure = new UnreachableError(`${tpName(tp)} cannot be read: ${errorName(part.errorCode)}`)
    } catch (error) {
      if (cluster.signal.aborted) throw new UnreachableError('the reader was closed')
      if (!isTransient(error)) throw toEtlError(error, cluster.config, `reading ${tpName(tp)}`, tp.topic)
      failure = error as Error
    }
    if (Date.now() >= deadline) throw unreachable(cluster.config, failure)
    await pauseFor(backoff(attempt), cluster.signal)
    await cluster.refresh([tp.topic]).catch(() => undefined) // the next attempt meets the same failure
  }
}

async function fetchFromLeader(
  cluster: Cluster,
  tp: Source,
  offset: bigint,
  options: FetchOptions,
): Promise<FetchedPartition> {
  let leader = cluster.leader(tp)
  if (leader === undefined) {
    await cluster.refresh([tp.topic])
    leader = cluster.leader(tp)
  }
  checkTopicId(cluster, tp, tp.topicId)
  if (leader === undefined) return { ...noAnswer(tp), errorCode: missing(cluster, tp) }
  const answer = await cluster
    .node(leader, 'fetch')
    .send((_, versions) =>
      fetchRequest([{ ...tp, offset }], options, versions[ApiKey.fetch]?.maxVersion ?? 11),
    )
  return (
    answer.partitions[0] ?? { ...noAnswer(tp), errorCode: answer.errorCode || ErrorCode.unknownServerError }
  )
}

/** Throws for a topic or partition that is not there; otherwise the code that says why there is no leader. */
function missing(cluster: Cluster, tp: TopicPartition): number {
  const code = cluster.topicError(tp.topic)
  if (code === ErrorCode.unknownTopicOrPartition) throw unknownTopic(tp.topic)
  return code === undefined || code === ErrorCode.none ? ErrorCode.leaderNotAvailable : code
}

function noAnswer({ topic, partition }: TopicPartition): FetchedPartition {
  return {
    topic,
    partition,
    errorCode: ErrorCode.none,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    aborted: [],
    records: Buffer.alloc(0),
  }
}
