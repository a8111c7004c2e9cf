import type { FetchedPartition } from '../protocol/fetch.ts'
import { type BatchHeader, readBatch } from '../record-batch/header.ts'
import { type LogRecord, RecordCursor } from '../record-batch/records.ts'
import type { RecordBatch } from '../types.ts'
import { AbortedRanges } from './aborted-ranges.ts'

export interface SliceLimits {
  /** Records of one yielded batch. */
  readonly maxRecords: number
  /** Bytes of keys and values after which a yielded batch is closed. */
  readonly maxBytes: number
  /** Bytes that one batch of the log may decompress to: a bomb ends here. */
  readonly maxDecompressed: number
}

export const defaultLimits: SliceLimits = {
  maxRecords: 50_000,
  maxBytes: 8 * 1024 * 1024,
  maxDecompressed: 256 * 1024 * 1024,
}

/** What the log holds at a place: records, or a stretch that only moves the position. */
export interface Stretch {
  readonly kind: 'records' | 'marker' | 'aborted'
  readonly header: BatchHeader
}

/**
 * One partition's part of a fetch response, read as committed records from a position on.
 *
 * Batches are decoded only when they are asked for. Every batch's CRC is checked, that of aborted ones too. Nothing at or
 * beyond the last stable offset is given, whatever the response holds.
 */
export class LogSlice {
  readonly #part: FetchedPartition
  readonly #limits: SliceLimits
  readonly #until: bigint
  readonly #aborted: AbortedRanges
  /** Next offset that was not given yet. */
  #position: bigint
  /** Next byte that was not read yet. */
  #at = 0
  #cursor: RecordCursor | undefined
  /** A record that was read but had no place in the batch before. */
  #pending: LogRecord | undefined
  #failure: Error | undefined
  #drained = false

  /** `until`: records at or after it are left out. */
  constructor(part: FetchedPartition, position: bigint, limits: SliceLimits, until = maxOffset) {
    this.#part = part
    this.#position = position
    this.#limits = limits
    this.#until = until
    this.#aborted = new AbortedRanges(part.aborted)
  }

  get position(): bigint {
    return this.#position
  }

  /** True when next() has nothing more to give. */
  get drained(): boolean {
    return this.#drained
  }

  /**
   * The next committed records; undefined when the slice holds nothing more that moves the position. Throws
   * CorruptBatchError when what follows cannot be read.
   */
  next(): RecordBatch | undefined {
    if (this.#failure) throw this.#failure
    const { topic, partition, highWatermark } = this.#part
    const firstOffset = this.#position
    const records: LogRecord[] = []
    let bytes = 0
    const accept = (size: number): boolean => {
      if (records.length >= this.#limits.maxRecords) return false
      if (records.length > 0 && bytes + size > this.#limits.maxBytes) return false
      bytes += size
      return true
    }
    try {
      let more = true
      while (more && (this.#cursor || this.#openRecords())) more = this.#take(records, accept)
      this.#drained = more
    } catch (error) {
      // What was read before the bad place is good, and is given first.
      const last = records.at(-1)
      if (last) this.#moveTo(last.offset + 1n)
      if (this.#position === firstOffset) throw error
      this.#failure = error as Error
    }
    if (this.#position === firstOffset) return undefined
    return { topic, partition, firstOffset, nextOffset: this.#position, highWatermark, records, bytes }
  }

  /** Passes over the next batch of the log without decoding its records; for counting. */
  nextStretch(): Stretch | undefined {
    const header = this.#openBatch()
    if (!header) return undefined
    this.#moveTo(header.lastOffset + 1n)
    return { kind: this.#aborted.classify(header), header }
  }

  /** Opens the next batch with committed records, passing over the others; false at the end. */
  #openRecords(): boolean {
    for (;;) {
      const header = this.#openBatch()
      if (!header) return false
      if (this.#aborted.classify(header) === 'records' && header.lastOffset >= this.#position) {
        this.#cursor = new RecordCursor(header, this.#limits.maxDecompressed)
        return true
      }
      this.#moveTo(header.lastOffset + 1n)
    }
  }

  #openBatch(): BatchHeader | undefined {
    if (this.#position >= this.#until) return undefined
    const header = readBatch(this.#part.records, this.#at)
    if (!header) return undefined
    const { lastStableOffset } = this.#part
    if (lastStableOffset >= 0n && header.baseOffset >= lastStableOffset) return undefined
    this.#at += header.bytes.length
    return header
  }

  /** Moves the records of the open batch to `into`; false when `accept` refused one, which is kept for later. */
  #take(into: LogRecord[], accept: (size: number) => boolean): boolean {
    const cursor = this.#cursor as RecordCursor
    const { baseOffset, lastOffset } = cursor.header
    const from = Number(this.#position - baseOffset)
    const until = this.#until > lastOffset ? Infinity : Number(this.#until - baseOffset)
    for (let record = this.#pending ?? cursor.next(); record; record = cursor.next()) {
      this.#pending = undefined
      const { offsetDelta } = record
      if (offsetDelta < from) continue
      if (offsetDelta >= until) break
      if (!accept(record.size)) {
        this.#pending = record
        this.#position = record.offset
        return false
      }
      into.push(record)
    }
    this.#cursor = undefined
    this.#moveTo(lastOffset + 1n)
    return true
  }

  #moveTo(offset: bigint): void {
    if (offset > this.#position) this.#position = offset < this.#until ? offset : this.#until
  }
}

const maxOffset = 2n ** 63n - 1n
