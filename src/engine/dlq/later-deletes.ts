import type { KafkaRecord, RecordBatch, TopicPartition } from '../../kafka/types.ts'
import type { Row } from '../../sink/sink.ts'

/** What the log says of rows that a replay is about to write. */
export interface DeleteVerdict {
  /** Offsets of letters whose key a later tombstone deleted. */
  readonly superseded: ReadonlySet<bigint>
  /** Letters of which the log cannot tell, and why. */
  readonly unclear: ReadonlyMap<bigint, string>
}

export interface LaterDeletesParts {
  /** The log from `from` up to `to`. */
  readonly read: (tp: TopicPartition, from: bigint, to: bigint) => AsyncIterable<Pick<RecordBatch, 'records'>>
  /** First offset of the log, and its end. */
  readonly bounds: (tp: TopicPartition) => Promise<{ readonly start: bigint; readonly end: bigint }>
  /** Records without value as deletions; one whose key cannot be read deletes nothing and is left out. */
  readonly deletions: (records: readonly KafkaRecord[]) => Promise<readonly Row[]>
  /** The key of a row as text that is equal for equal keys. */
  readonly keyOf: (row: Row) => string
}

/** Tombstones that are decoded together. */
const chunk = 1000

const expired =
  'the log does not hold this record any more, so whether its key was deleted since cannot be told; --overwrite stores it'

/**
 * Finds letters whose key was deleted by a later record: the row is gone, so the table cannot say that the letter is older. Reads the log
 * once for each partition, from the oldest letter to its end. Where the letter's own record is still in the log, every later tombstone of its key
 * is too: compaction removes a record before the tombstone that deletes it, and retention removes the oldest first.
 */
export class LaterDeletes {
  readonly #parts: LaterDeletesParts
  readonly #tails = new Map<number, LogTail>()

  constructor(parts: LaterDeletesParts) {
    this.#parts = parts
  }

  /** `rows` are of one partition, in the order of their offsets, as are the calls. Throws UnreachableError. */
  async judge(tp: TopicPartition, rows: readonly Row[]): Promise<DeleteVerdict> {
    const superseded = new Set<bigint>()
    const unclear = new Map<bigint, string>()
    const writes = rows.filter(({ op }) => op === 'write')
    const [oldest] = writes
    if (oldest === undefined) return { superseded, unclear }
    const tail = this.#tails.get(tp.partition) ?? (await this.#read(tp, oldest.record.offset))
    this.#tails.set(tp.partition, tail)
    for (const row of writes) {
      const { offset } = row.record
      const deletedAt = tail.deletedAt.get(this.#parts.keyOf(row))
      if (deletedAt !== undefined && deletedAt > offset) superseded.add(offset)
      else if (!tail.holds(offset)) unclear.set(offset, expired)
    }
    return { superseded, unclear }
  }

  async #read(tp: TopicPartition, oldest: bigint): Promise<LogTail> {
    const tail = new LogTail()
    const { start, end } = await this.#parts.bounds(tp)
    const from = oldest > start ? oldest : start
    if (from >= end) return tail
    let tombstones: KafkaRecord[] = []
    const decode = async (): Promise<void> => {
      for (const row of await this.#parts.deletions(tombstones))
        tail.deletedAt.set(this.#parts.keyOf(row), row.record.offset)
      tombstones = []
    }
    for await (const { records } of this.#parts.read(tp, from, end)) {
      for (const record of records) {
        tail.add(record.offset)
        if (record.value === null && record.key !== null) tombstones.push(record)
      }
      if (tombstones.length >= chunk) await decode()
    }
    await decode()
    return tail
  }
}

/** Which offsets the log holds, as ranges, and the last deletion of each key. */
class LogTail {
  readonly deletedAt = new Map<string, bigint>()
  readonly #ranges: { from: bigint; to: bigint }[] = []

  add(offset: bigint): void {
    const last = this.#ranges.at(-1)
    if (last && last.to === offset) last.to = offset + 1n
    else this.#ranges.push({ from: offset, to: offset + 1n })
  }

  holds(offset: bigint): boolean {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle]?.to ?? 0n) <= offset) low = middle + 1
      else high = middle
    }
    const range = this.#ranges[low]
    return range !== undefined && range.from <= offset
  }
}
