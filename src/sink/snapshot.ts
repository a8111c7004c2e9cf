import type { ColumnType } from '../schema/table-spec.ts'
import type { LedgerSum, StoredOffset } from './books.ts'

/**
 * One moment of a sink, for reading much: every method sees the same state, whatever lanes write meanwhile. Calls must
 * not overlap, and an iteration counts as a call until its loop is left. Memory is bounded by pages. Methods throw
 * UnreachableError, and ConfigError for a table that is not there. `close()` it.
 */
export interface Snapshot {
  /** As Sink.offsets. */
  offsets(topic: string, group: string): Promise<ReadonlyMap<number, StoredOffset>>
  /** Groups that keep offsets of the topic. */
  groups(topic: string): Promise<ReadonlySet<string>>
  /** Sums of the ledger by partition; `from` as BooksRequest.ledgerFrom. */
  ledger(
    topic: string,
    group: string,
    from: ReadonlyMap<number, bigint>,
  ): Promise<ReadonlyMap<number, LedgerSum>>
  /** Batches that do not begin where the one committed before them (epoch, then first offset) ended; the first `limit`. */
  ledgerBreaks(topic: string, group: string, partition: number, limit: number): Promise<LedgerBreak[]>
  /** The ledger's first batch of a partition, in the order of commits. */
  firstBatch(topic: string, group: string, partition: number): Promise<LedgerStart | undefined>
  /** Dead letters of a partition in the order of their offsets, by pages. */
  letters(topic: string, group: string, partition: number): AsyncIterable<readonly StoredLetter[]>
  /** Rows by partition; null: rows that name none. Without provenance columns all rows are under null. */
  rowCounts(table: string): Promise<ReadonlyMap<number | null, bigint>>
  /** Rows of a table by pages. */
  rows(request: RowsRequest): AsyncIterable<readonly StoredRow[]>
  close(): Promise<void>
}

export interface LedgerBreak {
  readonly epoch: bigint
  readonly firstOffset: bigint
  /** Where the batch before it ended. */
  readonly previousNext: bigint
}

export interface LedgerStart {
  readonly epoch: bigint
  readonly firstOffset: bigint
}

export interface StoredLetter {
  readonly offset: bigint
  /** It was replayed into the table since. */
  readonly replayed: boolean
}

export interface RowsRequest {
  readonly table: string
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  /** Read kafka_partition and kafka_offset too. */
  readonly provenance: boolean
  /** Only rows of this partition, from this offset on, up to `to` (exclusive), in the order of their offsets. */
  readonly place?: { readonly partition: number; readonly from: bigint; readonly to: bigint | undefined }
  /** A column that is read as it is, besides. */
  readonly orderColumn?: string | undefined
}

/**
 * A row as canonical text, the same for the same value on every database; null is SQL's NULL.
 *
 * boolean: `true`, `false` · integers, decimal: plain digits, without needless zeros · floats: as JavaScript writes them,
 * and `-0` · text as it is · uuid: lower case · bytes: hex, lower case · date `2024-01-31` (` BC` for years before 1) · time
 * `01:02:03.5`, timestamps `2024-01-31 01:02:03.5` in UTC, without needless zeros · json: keys sorted, no blanks, numbers by
 * their value.
 */
export interface StoredRow {
  /** null: the row does not say. */
  readonly partition: number | null
  readonly offset: bigint | null
  /** In the order of RowsRequest.columns. */
  readonly values: readonly (string | null)[]
  /** Of `orderColumn`. */
  readonly order: string | null
}
