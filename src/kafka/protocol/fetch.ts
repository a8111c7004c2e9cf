import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { message } from './message.ts'
import { topicIdBytes, topicIdText } from './topic-id.ts'
import type { WireReader, WireWriter } from './wire.ts'

export interface FetchOptions {
  /** Milliseconds that the broker waits for the first byte. */
  readonly maxWait: number
  /** Limit of the whole response, bytes; exceeded only by a single record batch that is larger. */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

export interface FetchPosition {
  readonly topic: string
  /** '' when the broker is too old for topic ids. */
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: bigint
  /** Every transaction before it is decided; -1 when the broker does not say. */
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /** Transactions that were aborted and overlap the fetched range, in any order. */
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches as they lie in the log; the last one may be cut off. A view of the response. */
  readonly records: Buffer
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

const readCommitted = 1
const empty = Buffer.alloc(0)

/**
 * Isolation READ_COMMITTED, without a fetch session. https://kafka.apache.org/protocol#The_Messages_Fetch
 *
 * v13 (Kafka 3.1 and newer) names topics by id (KIP-516): a topic that was deleted and made anew under the same name is
 * refused rather than read. v11 (Kafka 2.3) for brokers, or topics, without ids.
 */
export function fetchRequest(
  positions: readonly FetchPosition[],
  options: FetchOptions,
  maxVersion: number,
): WireRequest<FetchResponse> {
  const byId = maxVersion >= 13 && positions.every(({ topicId }) => topicId !== '')
  return message<FetchResponse>({
    apiKey: ApiKey.fetch,
    apiVersion: byId ? 13 : 11,
    apiName: 'Fetch',
    flexible: byId,
    write(body) {
      body.int32(-1).int32(options.maxWait).int32(1).int32(options.maxBytes).int8(readCommitted)
      body.int32(0).int32(-1) // no session
      if (byId) writeV13(body, positions, options)
      else writeV11(body, positions, options)
    },
    read(body) {
      const throttle = body.int32()
      const errorCode = body.int16()
      body.int32() // session
      return { throttle, result: { errorCode, partitions: byId ? readV13(body, positions) : readV11(body) } }
    },
  })
}

function writeV11(body: WireWriter, positions: readonly FetchPosition[], options: FetchOptions): void {
  body.array(byTopic(positions), ([{ topic }, partitions]) => {
    body.string(topic).array(partitions, ({ partition, offset }) => {
      body.int32(partition).int32(-1).int64(offset).int64(-1n).int32(options.maxPartitionBytes)
    })
  })
  body.int32(0).string('') // nothing forgotten, no rack
}

function writeV13(body: WireWriter, positions: readonly FetchPosition[], options: FetchOptions): void {
  body.compactArray(byTopic(positions), ([{ topicId }, partitions]) => {
    body.raw(topicIdBytes(topicId)).compactArray(partitions, ({ partition, offset }) => {
      body.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1n).int32(options.maxPartitionBytes)
      body.noTags()
    })
    body.noTags()
  })
  body.uvarint(1).compactString('').noTags() // nothing forgotten, no rack
}

function readV11(body: WireReader): FetchedPartition[] {
  const topics = body.array(() => {
    const topic = body.string() ?? ''
    return body.array((): FetchedPartition => {
      const head = readPartitionHead(body)
      const aborted = body.array(() => ({ producerId: body.int64(), firstOffset: body.int64() }))
      body.int32() // preferred read replica
      return { topic, ...head, aborted, records: body.bytes() ?? empty }
    })
  })
  return topics.flat()
}

function readV13(body: WireReader, positions: readonly FetchPosition[]): FetchedPartition[] {
  const names = new Map(positions.map(({ topicId, topic }) => [topicId, topic]))
  const topics = body.compactArray(() => {
    const topic = names.get(topicIdText(body.uuid())) ?? ''
    const partitions = body.compactArray((): FetchedPartition => {
      const head = readPartitionHead(body)
      const aborted = body.compactArray(() => {
        const transaction = { producerId: body.int64(), firstOffset: body.int64() }
        body.skipTags()
        return transaction
      })
      body.int32() // preferred read replica
      const records = body.compactBytes() ?? empty
      body.skipTags()
      return { topic, ...head, aborted, records }
    })
    body.skipTags()
    return partitions
  })
  return topics.flat()
}

function readPartitionHead(body: WireReader): Omit<FetchedPartition, 'topic' | 'aborted' | 'records'> {
  return {
    partition: body.int32(),
    errorCode: body.int16(),
    highWatermark: body.int64(),
    lastStableOffset: body.int64(),
    logStartOffset: body.int64(),
  }
}

/** Groups neighbours of one topic, keeping the order: the broker fills its response in the order of the request. */
function byTopic(positions: readonly FetchPosition[]): [FetchPosition, FetchPosition[]][] {
  const groups: [FetchPosition, FetchPosition[]][] = []
  for (const position of positions) {
    const last = groups.at(-1)
    if (last?.[0].topic === position.topic) last[1].push(position)
    else groups.push([position, [position]])
  }
  return groups
}
