import { UnexpectedError } from '../../errors.ts'
import { type KafkaRecord, type RecordBatch, tpName } from '../../kafka/types.ts'

/** Records that are written in one transaction: offsets [firstOffset, nextOffset). */
export interface Slice {
  readonly firstOffset: bigint
  readonly nextOffset: bigint
  readonly records: readonly KafkaRecord[]
}

export interface SliceLimits {
  readonly records: number
  readonly bytes: number
}

/**
 * Batches of one partition between the reader and the lane. `take` joins small batches and splits large ones, so
 * that a transaction's size does not depend on how the log was written.
 */
export class BatchQueue {
  private batches: { batch: RecordBatch; from: number }[] = []
  private position: bigint
  /** Where the next batch must start. */
  private tail: bigint
  private readonly end: bigint | undefined
  records = 0
  bytes = 0

  /** `end`: offset to stop at (exclusive); undefined: none. */
  constructor(start: bigint, end?: bigint) {
    this.position = start
    this.tail = start
    this.end = end
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  /** Throws UnexpectedError for a batch that does not follow the one before: written, it would be a loss or a double. */
  push(batch: RecordBatch): void {
    if (batch.firstOffset !== this.tail)
      throw new UnexpectedError(`the reader delivered offset ${batch.firstOffset}, expected ${this.tail}`, {
        where: tpName(batch),
      })
    this.tail = batch.nextOffset
    this.batches.push({ batch, from: 0 })
    this.records += batch.records.length
    this.bytes += batch.bytes
  }

  /** The next slice within the limits (at least one record if there is any); undefined when nothing is queued. */
  take(limits: SliceLimits): Slice | undefined {
    if (this.isEmpty) return undefined
    const firstOffset = this.position
    const records: KafkaRecord[] = []
    let bytes = 0
    for (;;) {
      const head = this.batches[0]
      if (!head || records.length >= limits.records || bytes >= limits.bytes) break
      const { batch } = head
      const all = batch.records
      while (head.from < all.length && records.length < limits.records && bytes < limits.bytes) {
        const record = all[head.from] as KafkaRecord
        if (this.end !== undefined && record.offset >= this.end)
          return this.finish(firstOffset, this.end, records)
        records.push(record)
        bytes += recordBytes(record)
        this.records--
        this.bytes -= recordBytes(record)
        head.from++
        this.position = record.offset + 1n
      }
      if (head.from < all.length) break
      // Markers, aborted records and compacted gaps behind the last record belong to the slice too.
      this.batches.shift()
      this.position = batch.nextOffset
      if (this.end !== undefined && this.position >= this.end)
        return this.finish(firstOffset, this.end, records)
    }
    return { firstOffset, nextOffset: this.position, records }
  }

  clear(): void {
    this.batches = []
    this.records = 0
    this.bytes = 0
  }

  private finish(firstOffset: bigint, end: bigint, records: KafkaRecord[]): Slice {
    this.position = end
    this.clear()
    return { firstOffset, nextOffset: end, records }
  }
}

function recordBytes(record: KafkaRecord): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0)
}
