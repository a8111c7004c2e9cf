import type { RecordBatch, TopicPartition } from './types.ts'

/**
 * Reads committed records of the partitions that the consumer group gives to this member.
 *
 * Contract, which test/integration/kafka/contract/ tries on every implementation:
 * - `onAssign` is called with every newly assigned set before any of their records is delivered. The reader
 *   starts at the offsets that it returns; a partition left out of the map is not read. Kafka's committed offsets are never read.
 * - `onAssign`'s signal aborts when this assignment is over (the group rebalances, this member was removed, a fatal
 *   error) or `close()` was called. The callback should then return soon, with what it has; rejecting with an AbortError
 *   counts as having nothing, any other error ends `batches()` as it is. Positions returned after the abort are not read: the reader
 *   revokes what was assigned and joins again, or ends.
 * - A partition that was dropped while `onAssign` worked on it is not read.
 * - `onRevoke` is called before the partitions go to another member and is awaited (up to the rebalance
 *   timeout). While it works and after it no batch of them is delivered. A member that the group has given up is told late: what it
 *   delivered by then must be fenced by who takes it.
 * - `batches()` yields batches of a partition in offset order, without gap or overlap: each batch's
 *   `firstOffset` is the previous one's `nextOffset`; markers, aborted records, compacted gaps and emptied batches only move it. It
 *   ends when `close()` was called, and throws the error that stopped the reader (ConfigError for what no repetition
 *   cures, UnreachableError after two minutes without a broker).
 * - Records are committed ones only, whatever the log holds and wherever reading starts, in batches of any size that Kafka takes,
 *   in each of its codecs. Nothing behind an open transaction is delivered before it ends.
 * - `onPartitionError` is called once for a partition that cannot be read: OffsetOutOfRangeError below and above the log
 *   (never corrected silently), TopicChangedError when the topic was made anew, ConfigError when it was deleted,
 *   CorruptBatchError when a batch is damaged after two refetches, and nothing of it is delivered. The others go on.
 * - Leaders that change, brokers that restart and connections that break are waited for, without losing or repeating records.
 * - Partitions added to a topic are shared out within `metadataInterval`.
 * - Heartbeats go on in the background, whatever the consumer of `batches()` does.
 * - The group is joined when `batches()` is first read.
 * - `close()` calls no callback any more: who closes has drained before. It aborts the signal of an `onAssign` under way
 *   and waits for it, 5 s at most, so that no partition is claimed after it resolved; else it takes less than a second, at any moment: it waits
 *   for no long poll, no join and no broker. Closing again waits for the same close.
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
 * UnreachableError when the partition has had no leader for two minutes, or when `close()` was called meanwhile. What Reader says about
 * records, batches and broken connections holds here, too; what it gives to `onPartitionError` is thrown.
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
