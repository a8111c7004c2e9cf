import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { message } from './message.ts'

export interface FetchOptions {
  /** Milliseconds that the broker waits for the first byte. */
  readonly maxWait: number
  /** Limit of the whole response, bytes; exceeded only by a single record batch that is larger. */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

export interface FetchPosition {
  readonly topic: string
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
 * Fetch v11 (Kafka 2.3 to 4.x), isolation READ_COMMITTED, without a fetch session.
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
export function fetchRequest(
  positions: readonly FetchPosition[],
  options: FetchOptions,
): WireRequest<FetchResponse> {
  return message<FetchResponse>({
    apiKey: ApiKey.fetch,
    apiVersion: 11,
    apiName: 'Fetch',
    flexible: false,
    write(body) {
      body.int32(-1).int32(options.maxWait).int32(1).int32(options.maxBytes).int8(readCommitted)
      body.int32(0).int32(-1) // no session
      body.array(byTopic(positions), ([topic, partitions]) => {
        body.string(topic).array(partitions, ({ partition, offset }) => {
          body.int32(partition).int32(-1).int64(offset).int64(-1n).int32(options.maxPartitionBytes)
        })
      })
      body.int32(0).string('') // nothing forgotten, no rack
    },
    read(body) {
      const throttle = body.int32()
      const errorCode = body.int16()
      body.int32() // session
      const partitions: FetchedPartition[] = []
      body.array(() => {
        const topic = body.string() ?? ''
        body.array(() => {
          const partition = body.int32()
          const code = body.int16()
          const highWatermark = body.int64()
          const lastStableOffset = body.int64()
          const logStartOffset = body.int64()
          const aborted = body.array(() => ({ producerId: body.int64(), firstOffset: body.int64() }))
          body.int32() // preferred read replica
          const records = body.bytes() ?? empty
          partitions.push({
            topic,
            partition,
            errorCode: code,
            highWatermark,
            lastStableOffset,
            logStartOffset,
            aborted,
            records,
          })
        })
      })
      return { throttle, result: { errorCode, partitions } }
    },
  })
}

/** Groups neighbours of one topic, keeping the order: the broker fills its response in the order of the request. */
function byTopic(positions: readonly FetchPosition[]): [string, FetchPosition[]][] {
  const groups: [string, FetchPosition[]][] = []
  for (const position of positions) {
    const last = groups.at(-1)
    if (last?.[0] === position.topic) last[1].push(position)
    else groups.push([position.topic, [position]])
  }
  return groups
}
