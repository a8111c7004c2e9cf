import type { ColumnType, TableSpec } from '../../schema/table-spec.ts'
import type { Row, SinkConfig } from '../sink.ts'
import type { ExistingColumn, ExistingTable } from './existing.ts'
import type { Reading } from './reading.ts'
import type { ServerInfo, Session, SessionLimits } from './session.ts'
import type { Sql } from './statement.ts'
import type { TableName } from './table-name.ts'

/** What differs between the databases; everything else of a sink is shared. One folder a dialect, the same file names in each. */
export interface Dialect {
  readonly kind: SinkConfig['kind']
  /** Connects. Rejects with SqlFailure, also soon after `signal` aborts. */
  open(config: SinkConfig, limits: SessionLimits, signal?: AbortSignal): Promise<Session>
  readonly types: TypeMapping
  /** The table as it is; undefined when there is none. */
  readTable(session: Session, table: TableName): Promise<ExistingTable | undefined>
  /** What follows the closing parenthesis of CREATE TABLE. */
  tableOptions(session: Session): string
  /** Tail of an INSERT that updates the row with the same key instead. `set` may use `proposed`. */
  onDuplicate(
    session: Session,
    key: readonly string[],
    set: readonly (readonly [column: string, value: Sql])[],
  ): Sql
  /** The value that the conflicting INSERT wanted to store. */
  proposed(session: Session, column: string): Sql
  rowWriter(target: RowTarget): RowWriter
  /** Findings about settings that the guarantee or the speed depends on. */
  readonly settings: readonly SettingCheck[]
  readonly reading: Reading
}

/** Column types of one database. */
export interface TypeMapping {
  /** DDL of a column's type. `key`: the column is part of the primary key. Throws ConfigError for a mapping that can lose. */
  ddl(column: string, type: ColumnType, key: boolean): string
  /** What follows NULL or NOT NULL in the column's DDL; '' for nothing. */
  constraint(column: string, type: ColumnType): string
  /** How an existing column holds the wanted type. */
  compare(existing: ExistingColumn, wanted: ColumnType, key: boolean, server: ServerInfo): Fit
  /** Base types that round what they cannot hold, where the others refuse it. */
  readonly rounding: ReadonlySet<string>
  /** ALTER TABLE clause for a changed type. */
  alterType(existing: ExistingColumn, ddl: string): string
  /** ALTER TABLE clause that lets an existing column hold NULL. */
  dropNotNull(existing: ExistingColumn): string
  /** Throws ConfigError for an identifier that this database cannot hold. */
  checkName(name: string, what: string): void
  /** Names that this database takes for one and the same become one. */
  foldName(name: string): string
  /** Why a value cannot be stored without loss; undefined when it can. Says nothing of what `checkValue` covers. */
  problem(type: ColumnType, value: NonNullable<Row['values'][number]>): string | undefined
}

export type Fit =
  | { readonly fit: 'holds' }
  /** The column's type has to become `ddl`, which holds all that it holds now. */
  | { readonly fit: 'widen'; readonly ddl: string }
  /** Keys that differ would be taken for equal; the type has to become `ddl`. */
  | { readonly fit: 'collation'; readonly ddl: string }
  | { readonly fit: 'refused'; readonly why: string }

/** Where rows go, resolved once per lane. */
export interface RowTarget {
  readonly table: TableName
  readonly spec: TableSpec
  readonly partition: number
  /** Columns of the key that an upsert and a delete go by. */
  readonly key: readonly string[]
}

/**
 * Writes rows of one batch into the target table; knows neither transactions nor offsets. Rejects with SqlFailure; on kind
 * `record` the caller isolates the row. Rows have passed `checkRow` and, for upsert and delete, hold each key once.
 */
export interface RowWriter {
  insert(session: Session, rows: readonly Row[]): Promise<void>
  upsert(session: Session, rows: readonly Row[]): Promise<void>
  delete(session: Session, rows: readonly Row[]): Promise<void>
  /** Locks the stored row with the key of `row` and says which record wrote it; undefined when there is none. Needs provenance columns. */
  find(session: Session, row: Row): Promise<StoredPlace | undefined>
}

/** null: a row that `etl` did not write. */
export interface StoredPlace {
  readonly partition: number | null
  readonly offset: bigint | null
}

export interface SettingCheck {
  readonly check: string
  readonly query: Sql
  /** From the first row's values to a problem; undefined: fine. */
  readonly problem: (
    row: Readonly<Record<string, string | null>>,
  ) => { detail: string; fix: string; severity: 'warning' | 'error' } | undefined
}
