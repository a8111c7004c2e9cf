import { type ColumnType, provenanceColumns, type SqlValue } from '../../schema/table-spec.ts'
import type { Row } from '../sink.ts'
import type { RowTarget, StoredPlace } from './dialect.ts'
import type { SqlRow } from './session.ts'
import { ident, type Sql, sql } from './statement.ts'

/** A column of the target table and where its values come from. */
export interface WrittenColumn {
  readonly name: string
  readonly type: ColumnType
  readonly value: (row: Row) => SqlValue
}

/** The columns of the schema, then those that say which record a row came from. */
export function writtenColumns({ spec, partition }: RowTarget): WrittenColumn[] {
  const columns: WrittenColumn[] = spec.columns.map(({ name, type }, index) => ({
    name,
    type,
    value: (row) => row.values[index] ?? null,
  }))
  if (spec.provenance) {
    columns.push(
      { name: provenanceColumns.partition, type: { kind: 'int32' }, value: () => partition },
      { name: provenanceColumns.offset, type: { kind: 'int64' }, value: (row) => row.record.offset },
    )
  }
  return columns
}

/** Selects what `storedPlace` reads. */
export const placeColumns: Sql = sql`${ident(provenanceColumns.partition)} AS part, ${ident(provenanceColumns.offset)} AS place`

export function storedPlace(row: SqlRow | undefined): StoredPlace | undefined {
  return (
    row && {
      partition: row.part == null ? null : Number(row.part),
      offset: row.place == null ? null : BigInt(row.place),
    }
  )
}
