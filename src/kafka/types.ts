/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A header as Kafka stores it: repeats and null values are legal. */
export type RecordHeader = readonly [key: string, value: Buffer | null]

/** One committed data record of the log. Buffers are views into the fetched bytes: copy to keep. */
export interface KafkaRecord {
  readonly offset: bigint
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * Consecutive committed records of one partition, in offset order. `records` may be empty: a stretch
 * of transaction markers, aborted records or compacted gaps still moves `nextOffset` on.
 */
export interface RecordBatch extends TopicPartition {
  /** The position that the reader had before this batch. */
  readonly firstOffset: bigint
  /** The position after it: last offset + 1, control and aborted records included. */
  readonly nextOffset: bigint
  /** High watermark of the partition when the batch was fetched. */
  readonly highWatermark: bigint
  readonly records: readonly KafkaRecord[]
  /** Uncompressed size of keys and values, bytes. */
  readonly bytes: number
}

/** `topic-partition`, for logs, map keys and errors. */
export function tpName(tp: TopicPartition): string {
  return `${tp.topic}-${tp.partition}`
}
