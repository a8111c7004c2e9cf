import { WireReader, WireWriter } from '../protocol/wire.ts'
import type { TopicPartition } from '../types.ts'

/**
 * Member metadata and assignments as the `consumer` group protocol embeds them, version 1 (owned partitions, KIP-429).
 * https://kafka.apache.org/protocol, ConsumerProtocolSubscription and ConsumerProtocolAssignment.
 */
const version = 1

export interface Subscription {
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
}

export function encodeSubscription({ topics, owned }: Subscription): Buffer {
  const body = new WireWriter().int16(version)
  body.array(topics, (topic) => body.string(topic)).bytes(null)
  return writePartitions(body, owned).buffer
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const body = new WireReader(bytes)
  const memberVersion = body.int16()
  const topics = body.array(() => body.string() ?? '')
  body.bytes()
  return { topics, owned: memberVersion >= 1 ? readPartitions(body) : [] }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return writePartitions(new WireWriter().int16(version), partitions).bytes(null).buffer
}

/** A member that got nothing may be sent no bytes at all. */
export function decodeAssignment(bytes: Buffer | null): TopicPartition[] {
  if (!bytes || bytes.length === 0) return []
  const body = new WireReader(bytes)
  body.int16()
  return readPartitions(body)
}

function writePartitions(body: WireWriter, partitions: readonly TopicPartition[]): WireWriter {
  const byTopic = [...Map.groupBy(partitions, (tp) => tp.topic)]
  return body.array(byTopic, ([topic, tps]) => {
    body.string(topic).array(tps, (tp) => body.int32(tp.partition))
  })
}

function readPartitions(body: WireReader): TopicPartition[] {
  return body
    .array(() => {
      const topic = body.string() ?? ''
      return body.array(() => ({ topic, partition: body.int32() }))
    })
    .flat()
}
