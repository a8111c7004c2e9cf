import type { RecordBatch, TopicPartition } from './types.ts'

/**
 * Reads committed records of the partitions that the consumer group gives to this member.
 *
 * Contract:
 * - `onAssign` is called with every newly assigned set before any of their records is delivered. The reader
 *   starts at the offsets that it returns; a partition left out of the map is not read.
 * - `onAssign`'s signal aborts when this assignment is over (the group rebalances, this member was removed, a fatal
 *   error) or `close()` was called. The callback should then return soon, with what it has; rejecting with an AbortError
 *   counts as having nothing. Positions returned after the abort are not read: the reader revokes what was assigned and joins
 *   again, or ends.
 * - A partition that was dropped while `onAssign` worked on it is not read.
 * - `onRevoke` is called before the partitions go to another member and is awaited (up to the rebalance
 *   timeout). After it returns no batch of them is delivered.
 * - `batches()` yields batches of a partition in offset order, without gap or overlap: each batch's
 *   `firstOffset` is the previous one's `nextOffset`. It ends when `close()` was called, and throws the error
 *   that stopped the reader (UnreachableError after retries, OffsetOutOfRangeError never: that goes to
 *   `onPartitionError`).
 * - Heartbeats go on in the background, whatever the consumer of `batches()` does.
 * - An offset out of range is never corrected silently.
 * - The group is joined when `batches()` is first read.
 * - `close()` calls no callback any more: who closes has drained before. It aborts the signal of an `onAssign` under way
 *   and waits for it, 5 s at most, so that no partition is claimed after it resolved; else it takes less than a second.
 */
export interface Reader {
  onAssign(f: (tps: TopicPartition[], signal: AbortSignal) => Promise<Map<TopicPartition, bigint>>): void
  onRevoke(f: (tps: TopicPartition[]) => Promise<void>): void
  /** One partition cannot be read any more (offset out of range, corrupt batch); the others go on. */
  onPartitionError(f: (tp: TopicPartition, error: Error) => void): void
  batches(): AsyncIterable<RecordBatch>
  pause(tps: TopicPartition[]): void
  resume(tps: TopicPartition[]): void
  /** Stops delivering a partition without leaving the group, until it is assigned again. */
  drop(tp: TopicPartition): void
  /**
   * Mirrors positions into the group's committed offsets, for lag tools only; never read back. Best effort:
   * resolves false when the group did not take them.
   */
  mirrorOffsets(offsets: ReadonlyMap<TopicPartition, bigint>): Promise<boolean>
  close(): Promise<void>
}

/**
 * Reads one partition from `from` up to (not including) `to`, without joining a group. Ends earlier where the log's
 * stable part ends: at its end, or before a transaction that is still open. Throws OffsetOutOfRangeError, TopicChangedError, and
 * UnreachableError when the partition has had no leader for two minutes.
 */
export interface PartitionReader {
  read(tp: TopicPartition, from: bigint, to: bigint): AsyncIterable<RecordBatch>
  /**
   * Counts the committed data records in [from, to) from batch headers where it can; transaction markers and aborted
   * records are not counted but told apart.
   */
  count(tp: TopicPartition, from: bigint, to: bigint): Promise<LogCount>
  close(): Promise<void>
}

export interface LogCount {
  readonly records: bigint
  readonly markers: bigint
  readonly aborted: bigint
}

export interface GroupReaderOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly clientId: string
  /** Milliseconds; a member that sends no heartbeat for so long is removed. Default 30,000. */
  readonly sessionTimeout?: number
  /** Milliseconds that a rebalance waits for members to rejoin. Default 60,000. */
  readonly rebalanceTimeout?: number
  /** Upper limit of one fetch response per partition, bytes. Default 1 MiB. */
  readonly maxPartitionBytes?: number
  /** Upper limit of one fetch response, bytes. Default 8 MiB. */
  readonly maxBytes?: number
  /** Milliseconds that a fetch waits for data. Default 250. */
  readonly maxWait?: number
  /** Milliseconds between looks for partitions added to the topics. Default 30,000. */
  readonly metadataInterval?: number
}
