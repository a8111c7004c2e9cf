import { Cluster } from './cluster/cluster.ts'
import type { KafkaConfig } from './config.ts'
import { defaultLimits } from './fetch/log-slice.ts'
import { type PartitionLogOptions, walkLog } from './fetch/partition-log.ts'
import type { LogCount, PartitionReader } from './reader.ts'
import type { BatchHeader } from './record-batch/header.ts'
import { RecordCursor } from './record-batch/records.ts'
import type { RecordBatch, TopicPartition } from './types.ts'

const defaults: PartitionLogOptions = {
  maxWait: 250,
  maxBytes: 8 * 1024 * 1024,
  maxPartitionBytes: 8 * 1024 * 1024,
  limits: defaultLimits,
  timeout: 120_000,
}

/** Reads the log without a consumer group. */
export class LogReader implements PartitionReader {
  readonly #cluster: Cluster
  readonly #options: PartitionLogOptions

  constructor(config: KafkaConfig, options: Partial<PartitionLogOptions> = {}) {
    this.#cluster = new Cluster(config)
    this.#options = { ...defaults, ...options }
  }

  read(tp: TopicPartition, from: bigint, to: bigint): AsyncIterable<RecordBatch> {
    return walkLog(this.#cluster, tp, { from, to }, this.#options, (slice) => slice.next())
  }

  async count(tp: TopicPartition, from: bigint, to: bigint): Promise<LogCount> {
    const { maxDecompressed } = this.#options.limits
    const counts = { records: 0n, markers: 0n, aborted: 0n }
    const stretches = walkLog(this.#cluster, tp, { from, to }, this.#options, (slice) => slice.nextStretch())
    for await (const { kind, header } of stretches) {
      const inside = header.baseOffset >= from && header.lastOffset < to
      const records = BigInt(inside ? header.recordCount : countWithin(header, from, to, maxDecompressed))
      if (kind === 'records') counts.records += records
      else if (kind === 'marker') counts.markers += records
      else counts.aborted += records
    }
    return counts
  }

  async close(): Promise<void> {
    this.#cluster.close()
  }
}

/** Records of a batch that lies partly outside of [from, to); only these must be decoded for counting. */
function countWithin(header: BatchHeader, from: bigint, to: bigint, maxDecompressed: number): number {
  const cursor = new RecordCursor(header, maxDecompressed)
  let count = 0
  for (let record = cursor.next(); record; record = cursor.next()) {
    if (record.offset >= from && record.offset < to) count++
  }
  return count
}
