import { ConfigError, type EtlError, UnexpectedError } from '../../errors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { CorruptBatchError, OffsetOutOfRangeError, OldFormatError, TopicChangedError } from '../errors.ts'
import { listOffsets } from '../list-offsets.ts'
import { ErrorCode, errorName } from '../protocol/error-codes.ts'
import { type TopicPartition, tpName } from '../types.ts'

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

/** For an error code that no repetition cures. */
export function refused(tp: TopicPartition, code: number): EtlError {
  const details = { where: tpName(tp) }
  if (code === ErrorCode.topicAuthorizationFailed) {
    return new ConfigError(`Kafka denies reading topic ${tp.topic} (${errorName(code)})`, {
      ...details,
      next: `kafka-acls --add --allow-principal User:NAME --operation Read --topic ${tp.topic}`,
    })
  }
  return new UnexpectedError(`${tpName(tp)} cannot be read: ${errorName(code)}`, details)
}

/** Throws when `topicId` is not the id of the topic as of the last metadata. */
export function checkTopicId(cluster: Cluster, tp: TopicPartition, topicId: string): void {
  const now = cluster.topic(tp.topic)?.topicId ?? ''
  if (topicId === '' || now === '' || topicId === now) return
  throw new TopicChangedError(`topic ${tp.topic} was deleted and created again while it was read`, {
    where: tpName(tp),
    next: `etl offsets reset --topic ${tp.topic}`,
  })
}

/** A refetch may bring the batch unharmed; a format that we do not read stays what it is. */
export function mayBeTransportDamage(error: unknown): boolean {
  return error instanceof CorruptBatchError && !(error instanceof OldFormatError)
}

/** The error with the partition's name before the offset. */
export function located(error: unknown, tp: TopicPartition): unknown {
  if (!(error instanceof CorruptBatchError)) return error
  const { message, where, next, cause } = error
  const Same = error.constructor as typeof CorruptBatchError
  return new Same(message, { where: `${tpName(tp)} ${where ?? ''}`.trim(), next, cause })
}
