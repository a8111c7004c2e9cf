import type { FetchedPartition } from '../../../src/kafka/protocol/fetch.ts'
import { encodeRecords, frameBatch } from '../../../src/kafka/record-batch/encode.ts'
import { Attribute } from '../../../src/kafka/record-batch/layout.ts'

/** Parts of a log as a broker would hold it. */
export interface LogEntry {
  readonly producerId?: bigint
  readonly transactional?: boolean
  /** A transaction marker instead of records. */
  readonly marker?: 'abort' | 'commit'
  readonly keys?: readonly (string | Buffer)[]
}

/** Batches at consecutive offsets from `baseOffset` on. */
export function buildLog(entries: readonly LogEntry[], baseOffset = 0n): Buffer[] {
  let offset = baseOffset
  return entries.map((entry) => {
    const batch = buildBatch(entry, offset)
    offset += BigInt(entry.marker ? 1 : (entry.keys?.length ?? 1))
    return batch
  })
}

function buildBatch(entry: LogEntry, baseOffset: bigint): Buffer {
  const { marker, producerId = -1n, transactional = marker !== undefined } = entry
  const records = marker
    ? [{ key: Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1]), value: Buffer.alloc(6) }]
    : (entry.keys ?? ['k']).map((key) => ({ key: Buffer.from(key), value: Buffer.from('v') }))
  return frameBatch(encodeRecords(records, 1_000n, 1_000n), {
    baseOffset,
    attributes: (transactional ? Attribute.transactional : 0) | (marker ? Attribute.control : 0),
    lastOffsetDelta: records.length - 1,
    recordCount: records.length,
    baseTimestamp: 1_000n,
    maxTimestamp: 1_000n,
    producerId,
    producerEpoch: producerId < 0n ? -1 : 0,
    baseSequence: -1,
  })
}

export function fetched(part: Partial<FetchedPartition> & { records: Buffer }): FetchedPartition {
  return {
    topic: 't',
    partition: 0,
    errorCode: 0,
    highWatermark: 1_000_000n,
    lastStableOffset: 1_000_000n,
    logStartOffset: 0n,
    aborted: [],
    ...part,
  }
}
