import { UnreachableError } from '../errors.ts'
import type { Cluster } from './cluster/cluster.ts'
import { unknownTopic } from './cluster/failures.ts'
import { ErrorCode, errorName } from './protocol/error-codes.ts'

const readUncommitted = 0
/** Timestamps that stand for an end of the log. https://kafka.apache.org/protocol#The_Messages_ListOffsets */
const timestamps = { start: -2, end: -1 } as const

/**
 * Log start offsets or high watermarks of a topic, by partition. One attempt; throws ConfigError for a
 * topic that does not exist.
 */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  which: 'start' | 'end',
): Promise<Map<number, bigint>> {
  await cluster.refresh([topic])
  const metadata = cluster.topic(topic)
  if (!metadata) {
    const code = cluster.topicError(topic) ?? ErrorCode.unknownServerError
    if (code === ErrorCode.unknownTopicOrPartition) throw unknownTopic(topic)
    throw new UnreachableError(`topic ${topic} cannot be read: ${errorName(code)}`, { where: topic })
  }
  const timestamp = timestamps[which]
  const offsets = new Map<number, bigint>()
  const byLeader = Map.groupBy(metadata.partitions, (p) => p.leader)
  await Promise.all(
    [...byLeader].map(async ([leader, partitions]) => {
      const answer = await cluster.node(leader, 'control').call((broker) =>
        broker.listOffsets({
          isolationLevel: readUncommitted,
          topics: [{ topic, partitions: partitions.map(({ partition }) => ({ partition, timestamp })) }],
        }),
      )
      for (const { partition, offset } of answer.responses[0]?.partitions ?? []) {
        offsets.set(partition, BigInt(offset))
      }
    }),
  )
  return offsets
}
