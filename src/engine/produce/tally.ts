import type { Appended, Encoded, InputPlace } from './work.ts'

export interface PartitionTally {
  readonly records: number
  readonly bytes: number
  /** Offsets of the first and the last record acknowledged; undefined in a dry run, and where the brokers do not tell. */
  readonly firstOffset: bigint | undefined
  readonly lastOffset: bigint | undefined
}

export interface Totals {
  /** Records taken from the input, in its order. Always good + bad. */
  readonly read: number
  /** Records that fit the schema. */
  readonly good: number
  readonly bad: number
  /** Records acknowledged by the brokers; in a resumable run, committed. Less than `good` only while running and after a failure. */
  readonly sent: number
  /** Text of the records read, bytes. */
  readonly inputBytes: number
  /** Compressed bytes acknowledged. */
  readonly sentBytes: number
  /** Where the last record that was read began. */
  readonly last: InputPlace | undefined
}

/** Counts of one run. */
export class Tally implements Totals {
  good = 0
  bad = 0
  sent = 0
  inputBytes = 0
  sentBytes = 0
  last: InputPlace | undefined
  readonly #partitions = new Map<number, PartitionTally>()

  get read(): number {
    return this.good + this.bad
  }

  get partitions(): ReadonlyMap<number, PartitionTally> {
    return new Map([...this.#partitions].sort(([a], [b]) => a - b))
  }

  take(encoded: Encoded): void {
    this.good += encoded.good
    this.bad += encoded.bad.length
    this.inputBytes += encoded.inputBytes
    if (encoded.good + encoded.bad.length > 0) this.last = encoded.last
  }

  acknowledge(appended: Appended): void {
    this.sent += appended.records
    this.sentBytes += appended.bytes
    const { firstOffset, lastOffset } = appended
    this.#add(appended.partition, {
      ...appended,
      firstOffset: firstOffset < 0n ? undefined : firstOffset,
      lastOffset: lastOffset < 0n ? undefined : lastOffset,
    })
  }

  /** A record that a dry run would have sent. */
  skip(partition: number, records: number, bytes: number): void {
    this.#add(partition, { records, bytes, firstOffset: undefined, lastOffset: undefined })
  }

  #add(partition: number, more: PartitionTally): void {
    const known = this.#partitions.get(partition)
    this.#partitions.set(partition, {
      records: (known?.records ?? 0) + more.records,
      bytes: (known?.bytes ?? 0) + more.bytes,
      firstOffset: known?.firstOffset ?? more.firstOffset,
      lastOffset: more.lastOffset ?? known?.lastOffset,
    })
  }
}
