import { UnreachableError } from '../../errors.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isTransient, toEtlError, unknownTopic, unreachable } from '../cluster/failures.ts'
import { CorruptBatchError, OffsetOutOfRangeError, OldFormatError } from '../errors.ts'
import { listOffsets } from '../list-offsets.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/error-codes.ts'
import { type FetchedPartition, type FetchOptions, fetchRequest } from '../protocol/fetch.ts'
import { type TopicPartition, tpName } from '../types.ts'
import { LogSlice, type SliceLimits } from './log-slice.ts'

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
  let position = range.from
  let empty = 0
  let damaged = 0
  while (position < range.to) {
    const before = position
    const part = await fetchPartition(cluster, tp, position, options)
    const slice = new LogSlice(part, position, options.limits, range.to)
    try {
      for (let item = step(slice); item !== undefined; item = step(slice)) {
        position = slice.position
        yield item
      }
      damaged = 0
    } catch (error) {
      const again = error instanceof CorruptBatchError && !(error instanceof OldFormatError)
      if (!again || damaged >= corruptRetries) throw located(error, tp)
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

/** One answer of the leader without an error; retries within the timeout. */
async function fetchPartition(
  cluster: Cluster,
  tp: TopicPartition,
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
      failure = new UnreachableError(`${tpName(tp)} cannot be read: ${errorName(part.errorCode)}`, {
        where: tpName(tp),
      })
      if (part.errorCode !== ErrorCode.offsetOutOfRange && !isRetriable(part.errorCode)) throw failure
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
  tp: TopicPartition,
  offset: bigint,
  options: FetchOptions,
): Promise<FetchedPartition> {
  let leader = cluster.leader(tp)
  if (leader === undefined) {
    await cluster.refresh([tp.topic])
    leader = cluster.leader(tp)
  }
  if (leader === undefined) return { ...noAnswer(tp), errorCode: missing(cluster, tp) }
  const answer = await cluster.node(leader, 'fetch').send(() => fetchRequest([{ ...tp, offset }], options))
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

/** Throws OffsetOutOfRangeError when the log really does not hold the offset. A new leader may not know it yet. */
export async function checkOffset(cluster: Cluster, tp: TopicPartition, offset: bigint): Promise<void> {
  const [start, end] = await Promise.all([
    listOffsets(cluster, tp.topic, 'start'),
    listOffsets(cluster, tp.topic, 'end'),
  ])
  const first = start.get(tp.partition) ?? 0n
  const last = end.get(tp.partition) ?? 0n
  if (offset < first || offset > last) throw new OffsetOutOfRangeError(tp, offset, first, last)
}

/** The error with the partition's name before the offset. */
export function located(error: unknown, tp: TopicPartition): unknown {
  if (!(error instanceof CorruptBatchError)) return error
  const { message, where, next, cause } = error
  const Same = error.constructor as typeof CorruptBatchError
  return new Same(message, { where: `${tpName(tp)} ${where ?? ''}`.trim(), next, cause })
}

function noAnswer(tp: TopicPartition): FetchedPartition {
  return {
    ...tp,
    errorCode: ErrorCode.none,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    aborted: [],
    records: Buffer.alloc(0),
  }
}
