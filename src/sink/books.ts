/** What the bookkeeping tables say of one partition. */

export interface StoredOffset {
  /** The next offset to read. */
  readonly offset: bigint
  readonly epoch: bigint
  readonly owner: string | null
  /** null: written by an older program; bound at the first claim. */
  readonly clusterId: string | null
  readonly topicId: string | null
  readonly updatedAt: Date
}

export interface LedgerSum {
  readonly batches: bigint
  readonly firstOffset: bigint
  readonly nextOffset: bigint
  readonly read: bigint
  /** The same, and the first offset, of the batches that lie in the log whole: from `ledgerFrom` on. null: there is none. */
  readonly readSince: bigint
  readonly firstSince: bigint | null
  readonly written: bigint
  readonly filtered: bigint
  readonly deadLettered: bigint
  /** Places where a batch does not start where the one before it ended. */
  readonly holes: bigint
  readonly overlaps: bigint
}
