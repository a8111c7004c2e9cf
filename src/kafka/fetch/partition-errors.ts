import { type EtlError, UnexpectedError } from '../../errors.ts'
import { deniedByCode } from '../access.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { KafkaConfig } from '../config.ts'
import {
  BatchTooLargeError,
  CorruptBatchError,
  OffsetOutOfRangeError,
  OldFormatError,
  TopicChangedError,
} from '../errors.ts'
import { listOffsets } from '../list-offsets.ts'
import { errorName } from '../protocol/error-codes.ts'
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
export function refused(config: KafkaConfig, tp: TopicPartition, code: number): EtlError {
  return (
    deniedByCode(config, code, { api: 'Fetch', name: tp.topic, doing: `reading ${tpName(tp)}` }) ??
    new UnexpectedError(`${tpName(tp)} cannot be read: ${errorName(code)}`, { where: tpName(tp) })
  )
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

/** A refetch may bring the batch unharmed; a format or a size that is not read stays what it is. */
export function mayBeTransportDamage(error: unknown): boolean {
  return (
    error instanceof CorruptBatchError &&
    !(error instanceof OldFormatError || error instanceof BatchTooLargeError)
  )
}

/** The error with the partition's name before the offset. */
export function located(error: unknown, tp: TopicPartition): unknown {
  if (!(error instanceof CorruptBatchError)) return error
  const { message, where, next, cause } = error
  const Same = error.constructor as typeof CorruptBatchError
  return new Same(message, { where: `${tpName(tp)} ${where ?? ''}`.trim(), next, cause })
}
