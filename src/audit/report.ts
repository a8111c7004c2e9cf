import type { Severity, Verdict } from '../verify/report.ts'

/** What is wrong, or worth a note; stable names, part of the JSON output. */
export type AuditCause =
  | 'lost' // a record that is neither a row nor a dead letter
  | 'doubled' // a row more than the record gives
  | 'altered' // a row whose values are not those of its record
  | 'foreign' // a row that no committed record gives
  | 'out_of_order' // a batch that starts before the end of the one that was committed before it
  | 'hole_in_ledger' // a batch that does not start where the one before it ended
  | 'ledger_unbalanced' // read is not written + filtered + dead-lettered
  | 'ledger_differs' // the ledger read another number of records than the log holds
  | 'unreadable' // a row, or an upserted key, of a record that cannot be decoded
  | 'offset_ahead' // the stored offset is beyond the log's end
  | 'expired_unread' // retention removed records before they were consumed
  | 'topic_recreated'
  | 'cluster_changed'
  | 'behind' // lag only
  | 'unclaimed' // the group never claimed the partition
  | 'dead_lettered' // pending letters
  | 'expired' // rows of records that retention has removed
  | 'compacted' // rows of records that compaction has removed
  | 'not_read' // records in front of the offset at which the group began
  | 'rows_before_ledger' // rows in front of the ledger's first batch
  | 'no_provenance' // rows that do not say which record they came from
  | 'unproved' // something that could not be told apart, and why

/** A finding: what it is, how often, and where, as far as can be said. */
export interface AuditFinding {
  readonly cause: AuditCause
  /** failed: exit 3 · behind: exit 4 · note: does not change the verdict. */
  readonly severity: Severity
  readonly detail: string
  /** Records or rows concerned. */
  readonly count: bigint
  /** The first of them. */
  readonly examples: readonly AuditExample[]
  /** The command that helps. */
  readonly next?: string
}

/** One record or row. */
export interface AuditExample {
  readonly partition?: number
  readonly offset?: bigint
  /** Key columns of the row, as text. */
  readonly key?: string
  readonly column?: string
  /** Values as text; null is SQL's NULL. */
  readonly expected?: string | null
  readonly found?: string | null
}

/** What records and rows come to; of one partition, or of the table as a whole. */
export interface AuditCounts {
  readonly lag: bigint
  /** Committed data records of the log in [log start, offset), read one by one. */
  readonly inLog: bigint
  /** Of these: in the table as a row of their own (insert), or as the last write of their key (upsert). */
  readonly rows: bigint
  /** Of these, in upsert mode: deletions, and writes that a later record of the same key replaced. */
  readonly superseded: bigint
  /** Of these: dead letters that wait, and dead letters that were replayed into the table. */
  readonly deadLettered: bigint
  readonly replayed: bigint
  /** As the ledger says. */
  readonly filtered: bigint
  readonly lost: bigint
  readonly doubled: bigint
  readonly altered: bigint
  readonly foreign: bigint
  readonly outOfOrder: bigint
}

export interface PartitionAudit extends AuditCounts {
  readonly partition: number
  readonly logStart: bigint
  readonly logEnd: bigint
  /** Next offset in the sink, or `until` where that is lower: what was audited ends here. undefined: never claimed. */
  readonly offset: bigint | undefined
  readonly verdict: Verdict
  readonly findings: readonly AuditFinding[]
}

export interface AuditReport {
  readonly topic: string
  readonly group: string
  readonly sink: string
  readonly table: string
  readonly mode: 'insert' | 'upsert'
  /**
   * place: each row compared with the record at its partition and offset. key: with the last record of its key. values: all
   * rows as a multiset with all records, for a table that says neither.
   */
  readonly method: AuditMethod
  readonly verdict: Verdict
  readonly partitions: readonly PartitionAudit[]
  /** What concerns the table, not one partition. */
  readonly findings: readonly AuditFinding[]
  /** `rows`: those of the whole table. */
  readonly totals: AuditCounts
}

export type AuditMethod = 'place' | 'key' | 'values'
