import type { KafkaRecord, TopicPartition } from '../kafka/types.ts'
import type { SqlValue, TableSpec } from '../schema/table-spec.ts'
import type { TlsSettings } from '../tls.ts'
import type { LedgerSum, StoredOffset } from './books.ts'
import type { Snapshot } from './snapshot.ts'

export type { LedgerSum, StoredOffset } from './books.ts'

/**
 * A database (or store) that keeps rows, offsets, ledger and dead letters together.
 *
 * Every method may throw UnreachableError (server away, wrong password), which says host and database, never
 * the password. Methods may be called concurrently.
 */
export interface Sink {
  readonly kind: 'postgres' | 'mysql'
  /** Connects and looks: version, privileges, settings. Never throws for what it can report as a finding. */
  check(): Promise<Finding[]>
  /**
   * Difference between the wanted table (and the three bookkeeping tables) and the database. Throws ConfigError
   * for a mapping that can lose, naming the flag that allows it. Empty when nothing is to do.
   */
  plan(table: TableSpec): Promise<Change[]>
  /** Executes changes in order. Changes with `consent` are refused unless it is in `consents`. */
  apply(changes: readonly Change[], consents?: ReadonlySet<string>): Promise<void>
  /** The table as it is; undefined when there is none. */
  describe(table: string): Promise<TableInfo | undefined>
  /**
   * One transaction: adds 1 to the partition's owner_epoch, stores the owner, and returns a lane positioned at the stored offset, or at
   * `owner.initialOffset` when the group has none yet. Throws IdentityError when the stored cluster or
   * topic id is another one than the owner's, ConfigError when a column of the table would round values, UnreachableError when other transactions hold the partition's row for too long.
   * `signal` ends a claim under way at once, also one that waits for a lock: it rejects with UnreachableError, unless it was
   * made by then. A claim that was given up leaves at most an epoch that nobody uses.
   */
  claim(tp: TopicPartition, owner: Owner, signal?: AbortSignal): Promise<Lane>
  /** Rows of kafka_offsets of this topic and group, by partition. Empty when the table does not exist. */
  offsets(topic: string, group: string): Promise<ReadonlyMap<number, StoredOffset>>
  /** Offsets, ledger and rows of one moment (one snapshot), also while lanes write. Throws ConfigError without the table. */
  books(request: BooksRequest): Promise<Books>
  /** Begins a snapshot on a connection of its own. */
  snapshot(): Promise<Snapshot>
  close(): Promise<void>
}

export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'error'
  readonly detail: string
  readonly fix?: string
}

/** One step of a plan. */
export interface Change {
  readonly kind: 'create' | 'alter' | 'drop'
  /** What is changed, as people say it: `table public.flights`, `column flights.delay`. */
  readonly object: string
  readonly detail: string
  /** The statements, in order. */
  readonly sql: readonly string[]
  /** Set when the step drops or narrows: the name that `--allow` must give. */
  readonly consent?: string
}

export interface TableInfo {
  readonly table: string
  readonly columns: readonly {
    readonly name: string
    readonly nativeType: string
    readonly nullable: boolean
    readonly hasDefault: boolean
  }[]
  readonly primaryKey: readonly string[]
}

/** Who claims a partition, and for what. */
export interface Owner {
  readonly group: string
  /** Shown in kafka_offsets.owner: host, process, thread. */
  readonly name: string
  readonly clusterId: string
  readonly topicId: string
  /** Used when the group has no offset stored for the partition. */
  readonly initialOffset: bigint
  readonly target: LaneTarget
  /**
   * Called inside the transaction, before COMMIT, with the dead letters that it stores; again when the transaction is repeated. When it
   * rejects nothing is committed, and `commit` rejects with its error.
   */
  readonly onDeadLetters?: (tp: TopicPartition, letters: readonly DeadLetter[]) => Promise<void>
}

/** What the lane writes to. */
export interface LaneTarget {
  readonly table: TableSpec
  readonly mode: 'insert' | 'upsert'
  readonly ledger: boolean
  /**
   * stop: a record that cannot be decoded, or that the database rejects, rejects the commit with PoisonError for the lowest
   * such offset; dlq: it becomes a dead letter.
   */
  readonly onError: 'dlq' | 'stop'
}

/**
 * One partition, one connection, one writer. Calls must not overlap.
 *
 * `commit` is one transaction: rows, ledger, dead letters, and last the fenced UPDATE of kafka_offsets. Its
 * outcome is always known: when the connection dies during COMMIT the lane reads the stored offset back.
 * Rejects with FencedError (another owner; nothing was written), PoisonError (onError 'stop' only; nothing was
 * written), UnreachableError (environment: commit the same batch again. Nothing was written, or, when COMMIT's answer was
 * lost and the database stayed away, the next call finds out before it writes anything).
 * ConfigError (the table is not what the plan made, a privilege is gone; nothing was written). Only what the database refuses
 * for a record's own data becomes a dead letter: docs/sink-errors.md has every code. An owner that is no owner any more tells nobody
 * of bad records, whatever it meets in the table.
 *
 * A process that is frozen in mid-batch loses its session and locks after `SessionLimits.idleInTransaction`. The next claim waits
 * for it only if it froze between fence and COMMIT, the next owner's commit only for the same keys; both wait longer than that.
 */
export interface Lane extends TopicPartition {
  readonly nextOffset: bigint
  readonly epoch: bigint
  /**
   * `signal`: after it aborts no further attempt, pause or look-up is begun; a statement under way may finish within the
   * limit for locks. Rejects with UnreachableError then, unless the batch was committed. Leaving an outcome open is
   * safe: the next claim reads the stored offset.
   */
  commit(batch: EncodedBatch, signal?: AbortSignal): Promise<Receipt>
  /** Ends the session, and a commit under way with it. Never rejects; takes a few seconds at most. */
  release(): Promise<void>
}

/** A row, or in upsert mode a deletion, with the record that it came from. */
export interface Row {
  readonly op: 'write' | 'delete'
  readonly record: KafkaRecord
  /** In the order of TableSpec.columns; for a delete only the key columns matter. */
  readonly values: readonly SqlValue[]
}

/** A batch ready to be written; offsets [firstOffset, nextOffset). */
export interface EncodedBatch {
  readonly firstOffset: bigint
  readonly nextOffset: bigint
  /** Records read from the log: rows + filtered + rejected. */
  readonly read: number
  readonly filtered: number
  readonly rows: readonly Row[]
  /** Records that could not be decoded. */
  readonly rejected: readonly DeadLetter[]
  /** Order-free digest of the records read: sum modulo 2^64. */
  readonly digest: bigint
}

export interface DeadLetter {
  readonly record: KafkaRecord
  readonly schemaId: number | null
  /** Stable class: `decode`, `schema`, `constraint`, `data`. */
  readonly errorClass: string
  readonly message: string
}

export interface Receipt {
  readonly written: number
  readonly deadLettered: number
  /** True when COMMIT's answer was lost and the outcome was read back. */
  readonly recovered: boolean
}

export interface BooksRequest {
  readonly topic: string
  readonly group: string
  readonly table: string
  /** Starts of the log, by partition: what LedgerSum's `…Since` begins at. */
  readonly ledgerFrom: ReadonlyMap<number, bigint>
}

/** What the sink says of a topic and group; offsets, ledger and letters are empty where their tables do not exist. */
export interface Books {
  readonly offsets: ReadonlyMap<number, StoredOffset>
  readonly ledger: ReadonlyMap<number, LedgerSum>
  readonly letters: ReadonlyMap<number, LetterSum>
  readonly rows: RowCount
}

/** Dead letters of one partition. */
export interface LetterSum {
  readonly pending: bigint
  /** Replayed, and stored by that. */
  readonly stored: bigint
  /** Replayed, and not stored: a newer record of the key was. */
  readonly superseded: bigint
}

export interface RowCount {
  readonly total: bigint
  /** undefined without provenance columns. */
  readonly byPartition: ReadonlyMap<number, bigint> | undefined
  /** Rows with the same (partition, offset) beyond the first; undefined without provenance columns. */
  readonly doubled: bigint | undefined
}

/** How to reach a database. */
/** Characters of a consumer group's name that kafka_offsets holds. */
export const maxGroupLength = 255

export interface SinkConfig {
  readonly kind: 'postgres' | 'mysql'
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string | undefined
  readonly database: string
  readonly tls?: TlsSettings | undefined
}
