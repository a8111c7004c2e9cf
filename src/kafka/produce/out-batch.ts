import type { Compression, OutRecord, SendResult } from '../producer.ts'
import { encodeBatch } from '../record-batch/encode.ts'

/** One call of send: settled when all of its records are acknowledged, or when one is refused. */
export class Ticket {
  readonly promise: Promise<SendResult>
  /** Milliseconds since the epoch after which it is given up. */
  readonly deadline: number
  readonly #total: number
  readonly #resolve: (result: SendResult) => void
  readonly #reject: (error: Error) => void
  #acknowledged = 0
  #bytes = 0
  #baseOffset = -1n
  #lastOffset = -1n
  #settled = false

  constructor(total: number, deadline: number) {
    const { promise, resolve, reject } = Promise.withResolvers<SendResult>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#total = total
    this.deadline = deadline
  }

  get settled(): boolean {
    return this.#settled
  }

  acknowledge(records: number, bytes: number, baseOffset: bigint): void {
    if (this.#acknowledged === 0) this.#baseOffset = baseOffset
    this.#lastOffset = baseOffset < 0n ? baseOffset : baseOffset + BigInt(records) - 1n
    this.#acknowledged += records
    this.#bytes += bytes
    if (this.#acknowledged < this.#total || this.#settled) return
    this.#settled = true
    this.#resolve({
      records: this.#total,
      bytes: this.#bytes,
      baseOffset: this.#baseOffset,
      lastOffset: this.#lastOffset,
    })
  }

  reject(error: Error): void {
    this.#settled = true
    this.#reject(error)
  }
}

/** Records [from, to) of one send. */
export interface Part {
  readonly ticket: Ticket
  readonly records: readonly OutRecord[]
  readonly from: number
  readonly to: number
}

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Set: the batches belong to its transactions. */
  readonly transactionalId?: string
}

/** A record batch with its place in the partition's sequence; its bytes never change, however often it is sent. */
export class OutBatch {
  readonly parts: readonly Part[]
  readonly count: number
  readonly baseSequence: number
  readonly bytes: Buffer
  readonly deadline: number
  /** A request with it had no answer, or one that leaves open whether it was appended. */
  inDoubt = false
  readonly #options: { identity: ProducerIdentity; compression: Compression }

  constructor(
    parts: readonly Part[],
    baseSequence: number,
    options: { identity: ProducerIdentity; compression: Compression },
  ) {
    const records = parts.flatMap(({ records, from, to }) => records.slice(from, to))
    this.parts = parts
    this.count = records.length
    this.baseSequence = baseSequence
    this.deadline = Math.min(...parts.map(({ ticket }) => ticket.deadline))
    this.#options = options
    this.bytes = encodeBatch(records, {
      producerId: options.identity.producerId,
      producerEpoch: options.identity.producerEpoch,
      transactional: options.identity.transactionalId !== undefined,
      compression: options.compression,
      baseSequence,
      now: BigInt(Date.now()),
    })
  }

  acknowledge(baseOffset: bigint): void {
    let done = 0
    for (const { ticket, from, to } of this.parts) {
      const share = (n: number) => Math.round((this.bytes.length * n) / this.count)
      const bytes = share(done + to - from) - share(done)
      ticket.acknowledge(to - from, bytes, baseOffset < 0n ? baseOffset : baseOffset + BigInt(done))
      done += to - from
    }
  }

  reject(error: Error): void {
    for (const { ticket } of this.parts) ticket.reject(error)
  }

  /** Two batches of the same records and sequence numbers; for one that the broker found too large. */
  halves(): [OutBatch, OutBatch] {
    const middle = Math.floor(this.count / 2)
    const first: Part[] = []
    const second: Part[] = []
    let at = 0
    for (const part of this.parts) {
      const cut = Math.min(Math.max(part.from + middle - at, part.from), part.to)
      if (cut > part.from) first.push({ ...part, to: cut })
      if (cut < part.to) second.push({ ...part, from: cut })
      at += part.to - part.from
    }
    return [
      new OutBatch(first, this.baseSequence, this.#options),
      new OutBatch(second, addSequence(this.baseSequence, middle), this.#options),
    ]
  }
}

/** Sequence numbers are int32 and start again at 0 after 2^31 - 1. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31
}
