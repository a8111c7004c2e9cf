import type { Cluster } from '../cluster/cluster.ts'
import { RecordTooLargeError } from '../errors.ts'
import { type TopicPartition, tpName } from '../types.ts'
import type { OutBatch } from './out-batch.ts'

const topicResource = 2
const setting = 'max.message.bytes'

/** The error for a record that alone is too large; names the topic's limit if the brokers tell it. */
export async function recordTooLarge(
  cluster: Cluster,
  tp: TopicPartition,
  batch: OutBatch,
): Promise<RecordTooLargeError> {
  const [part] = batch.parts
  const record = part?.records[part.from]
  const size = (record?.key?.length ?? 0) + (record?.value?.length ?? 0)
  const limit = await maxMessageBytes(cluster, tp.topic)
  const most = limit === undefined ? `its ${setting}` : `${setting}=${limit}`
  return new RecordTooLargeError(
    `a record of ${size} bytes (${batch.bytes.length} as sent) is too large for topic ${tp.topic} with ${most}`,
    size,
    { where: tpName(tp), next: `raise ${setting} of the topic in etl.yaml and run etl apply` },
  )
}

async function maxMessageBytes(cluster: Cluster, topic: string): Promise<string | undefined> {
  try {
    const link = await cluster.any()
    const answer = await link.call((broker) =>
      broker.describeConfigs({ resources: [{ type: topicResource, name: topic, configNames: [setting] }] }),
    )
    return answer.resources[0]?.configEntries[0]?.configValue ?? undefined
  } catch {
    return undefined // not allowed to look: the error goes out without the number
  }
}
