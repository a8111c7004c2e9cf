import type { Compression, OutRecord } from '../producer.ts'
import { recordSizeBound } from '../record-batch/encode.ts'
import type { TopicPartition } from '../types.ts'
import { addSequence, OutBatch, type Part, type ProducerIdentity } from './out-batch.ts'

export interface BatchLimits {
  readonly compression: Compression
  /** Uncompressed bytes. */
  readonly batchBytes: number
  readonly batchRecords: number
}

/**
 * What one partition still has to append, in order. At most one batch is in flight, so a batch that failed is always the next one to
 * be sent again, and sequence numbers cannot overtake each other.
 */
export class PartitionQueue {
  readonly tp: TopicPartition
  /** No request before this time, milliseconds since the epoch. */
  retryAt = 0
  failures = 0
  inFlight: OutBatch | undefined
  /** Encoded and numbered, not acknowledged, not in flight. */
  readonly #ready: OutBatch[] = []
  readonly #waiting: Part[] = []
  readonly #limits: BatchLimits
  #waitingRecords = 0
  #nextSequence = 0

  constructor(tp: TopicPartition, limits: BatchLimits) {
    this.tp = tp
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return !this.inFlight && this.#ready.length === 0 && this.#waiting.length === 0
  }

  add(part: Part): void {
    this.#waiting.push(part)
    this.#waitingRecords += part.to - part.from
  }

  /** The batch to send next, now in flight; undefined when there is nothing to send. */
  start(identity: ProducerIdentity): OutBatch | undefined {
    this.inFlight = this.#ready.shift() ?? this.#encode(identity)
    return this.inFlight
  }

  /** Encodes the next batch while another one is in flight, if more than a batch's records wait. */
  prepare(identity: ProducerIdentity): void {
    if (this.#ready.length > 0 || this.#waitingRecords === 0) return
    const first = this.#waiting[0]
    const large = this.#waitingRecords >= this.#limits.batchRecords
    if (!first || !(large || this.#sizeUpTo(this.#limits.batchBytes) >= this.#limits.batchBytes)) return
    const batch = this.#encode(identity)
    if (batch) this.#ready.push(batch)
  }

  acknowledged(baseOffset: bigint): void {
    this.#landed()?.acknowledge(baseOffset)
    this.failures = 0
  }

  /** To be sent again as it is. */
  retry(): void {
    const batch = this.#landed()
    if (batch) this.#ready.unshift(batch)
  }

  /** To be sent again in two. */
  split(): void {
    const batch = this.#landed()
    if (batch) this.#ready.unshift(...batch.halves())
  }

  /** The broker did not append it and never will: its sequence numbers are free again for what follows. */
  rejected(error: Error): void {
    const batch = this.#landed()
    if (!batch) return
    batch.reject(error)
    this.#nextSequence = batch.baseSequence
    for (const later of this.#ready.splice(0).reverse()) this.#putBack(later)
  }

  /** Rejects everything. */
  fail(error: Error): void {
    this.inFlight?.reject(error)
    for (const batch of this.#ready.splice(0)) batch.reject(error)
    for (const { ticket } of this.#waiting.splice(0)) ticket.reject(error)
    this.inFlight = undefined
    this.#waitingRecords = 0
  }

  #landed(): OutBatch | undefined {
    const batch = this.inFlight
    this.inFlight = undefined
    return batch
  }

  #putBack(batch: OutBatch): void {
    this.#waiting.unshift(...batch.parts)
    this.#waitingRecords += batch.count
  }

  #encode(identity: ProducerIdentity): OutBatch | undefined {
    const parts: Part[] = []
    let bytes = 0
    let count = 0
    while (this.#waiting.length > 0) {
      const part = this.#waiting[0] as Part
      if (part.ticket.settled) {
        this.#drop(part.to - part.from)
        continue
      }
      let to = part.from
      while (to < part.to && count < this.#limits.batchRecords) {
        const size = recordSizeBound(part.records[to] as OutRecord)
        if (count > 0 && bytes + size > this.#limits.batchBytes) break
        bytes += size
        count++
        to++
      }
      if (to > part.from) parts.push({ ...part, to })
      if (to < part.to) {
        this.#waiting[0] = { ...part, from: to }
        break
      }
      this.#waiting.shift()
    }
    if (count === 0) return undefined
    this.#waitingRecords -= count
    const sequence = this.#nextSequence
    this.#nextSequence = addSequence(sequence, count)
    return new OutBatch(parts, sequence, { identity, compression: this.#limits.compression })
  }

  #drop(records: number): void {
    this.#waiting.shift()
    this.#waitingRecords -= records
  }

  #sizeUpTo(enough: number): number {
    let bytes = 0
    for (const { records, from, to } of this.#waiting) {
      for (let i = from; i < to && bytes < enough; i++) bytes += recordSizeBound(records[i] as OutRecord)
      if (bytes >= enough) break
    }
    return bytes
  }
}
