import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { message } from './message.ts'
import { topicIdText, zeroUuid } from './topic-id.ts'
import type { WireReader } from './wire.ts'

export interface MetadataResponse {
  readonly brokers: readonly BrokerAddress[]
  readonly clusterId: string | null
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
}

export interface BrokerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface TopicMetadata {
  readonly errorCode: number
  readonly name: string
  /** KIP-516, in Kafka's base64 form; '' when the broker is too old. */
  readonly topicId: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly errorCode: number
  readonly partition: number
  /** -1: no leader at the moment. */
  readonly leader: number
  readonly replicas: readonly number[]
}

/**
 * Metadata v10 (Kafka 2.8 and newer; has topic ids) or v8 (Kafka 2.3). Never creates topics.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */
export function metadataRequest(
  topics: readonly string[] | null,
  maxVersion: number,
): WireRequest<MetadataResponse> {
  const flexible = maxVersion >= 10
  return message<MetadataResponse>({
    apiKey: ApiKey.metadata,
    apiVersion: flexible ? 10 : 8,
    apiName: 'Metadata',
    flexible,
    write(body) {
      if (topics === null) flexible ? body.uvarint(0) : body.int32(-1)
      else if (flexible) {
        body.compactArray(topics, (name) => body.raw(zeroUuid).compactString(name).noTags())
      } else {
        body.array(topics, (name) => body.string(name))
      }
      body.boolean(false) // allow_auto_topic_creation
      body.boolean(false).boolean(false) // authorized operations of cluster and topics
      if (flexible) body.noTags()
    },
    read: flexible ? readV10 : readV8,
  })
}

function readV10(body: WireReader): { throttle: number; result: MetadataResponse } {
  const throttle = body.int32()
  const brokers = body.compactArray(() => {
    const broker = { nodeId: body.int32(), host: body.compactString() ?? '', port: body.int32() }
    body.compactString() // rack
    body.skipTags()
    return broker
  })
  const clusterId = body.compactString()
  const controllerId = body.int32()
  const topics = body.compactArray(() => {
    const errorCode = body.int16()
    const name = body.compactString() ?? ''
    const id = body.uuid()
    body.boolean() // is_internal
    const partitions = body.compactArray(() => {
      const head = readPartitionHead(body)
      const replicas = body.compactArray(() => body.int32())
      body.compactArray(() => body.int32()) // in-sync replicas
      body.compactArray(() => body.int32()) // offline replicas
      body.skipTags()
      return { ...head, replicas }
    })
    body.int32() // authorized operations
    body.skipTags()
    return { errorCode, name, topicId: topicIdText(id), partitions }
  })
  return { throttle, result: { brokers, clusterId, controllerId, topics } }
}

function readV8(body: WireReader): { throttle: number; result: MetadataResponse } {
  const throttle = body.int32()
  const brokers = body.array(() => {
    const broker = { nodeId: body.int32(), host: body.string() ?? '', port: body.int32() }
    body.string() // rack
    return broker
  })
  const clusterId = body.string()
  const controllerId = body.int32()
  const topics = body.array(() => {
    const errorCode = body.int16()
    const name = body.string() ?? ''
    body.boolean() // is_internal
    const partitions = body.array(() => {
      const head = readPartitionHead(body)
      const replicas = body.array(() => body.int32())
      body.array(() => body.int32()) // in-sync replicas
      body.array(() => body.int32()) // offline replicas
      return { ...head, replicas }
    })
    body.int32() // authorized operations
    return { errorCode, name, topicId: '', partitions }
  })
  return { throttle, result: { brokers, clusterId, controllerId, topics } }
}

function readPartitionHead(body: WireReader): Omit<PartitionMetadata, 'replicas'> {
  const head = { errorCode: body.int16(), partition: body.int32(), leader: body.int32() }
  body.int32() // leader epoch
  return head
}
