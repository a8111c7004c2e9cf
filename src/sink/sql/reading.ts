import type { ColumnType } from '../../schema/table-spec.ts'
import type { Sql } from './statement.ts'

/** How a database's columns are read so that the text of a value does not depend on its settings. */
export interface Reading {
  /** Statements for the beginning of the transaction. */
  readonly settings: Sql
  column(name: string, type: ColumnType): Sql
}
