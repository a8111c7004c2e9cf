import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { message } from './message.ts'

export interface ProducePartition {
  readonly topic: string
  readonly partition: number
  /** One record batch, ready to be stored. */
  readonly batch: Buffer
}

export interface ProduceResult {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** Offset of the first record; -1 with an error. */
  readonly baseOffset: bigint
}

/**
 * Produce v7 with acks=all (Kafka 2.1 to 4.x). `timeout`: milliseconds that the leader waits for its followers;
 * `transactionalId`: whose transaction the batches belong to, null without one. https://kafka.apache.org/protocol#The_Messages_Produce
 */
export function produceRequest(
  partitions: readonly ProducePartition[],
  timeout: number,
  transactionalId: string | null = null,
): WireRequest<ProduceResult[]> {
  return message<ProduceResult[]>({
    apiKey: ApiKey.produce,
    apiVersion: 7,
    apiName: 'Produce',
    flexible: false,
    sizeHint: partitions.reduce((sum, p) => sum + p.batch.length + p.topic.length * 3 + 32, 64),
    write(body) {
      body.string(transactionalId).int16(-1).int32(timeout)
      body.array(byTopic(partitions), ([topic, list]) => {
        body.string(topic).array(list, (p) => body.int32(p.partition).bytes(p.batch))
      })
    },
    read(body) {
      const result: ProduceResult[] = []
      body.array(() => {
        const topic = body.string() ?? ''
        body.array(() => {
          const partition = body.int32()
          const errorCode = body.int16()
          const baseOffset = body.int64()
          body.int64() // log append time
          body.int64() // log start offset
          result.push({ topic, partition, errorCode, baseOffset })
        })
      })
      return { throttle: body.int32(), result }
    },
  })
}

/** Every topic once: brokers refuse a request that names a topic twice. */
function byTopic(partitions: readonly ProducePartition[]): [string, ProducePartition[]][] {
  const groups = new Map<string, ProducePartition[]>()
  for (const item of partitions) {
    const group = groups.get(item.topic)
    if (group) group.push(item)
    else groups.set(item.topic, [item])
  }
  return [...groups]
}
