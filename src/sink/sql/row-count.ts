import { provenanceColumns } from '../../schema/table-spec.ts'
import type { RowCount } from '../sink.ts'
import type { Session } from './session.ts'
import { ident, sql } from './statement.ts'
import { type TableName, tableIdent } from './table-name.ts'

/** Counts the rows of a table; one pass, by partition when it says where its rows came from. */
export async function countTableRows(
  session: Session,
  table: TableName,
  provenance: boolean,
): Promise<RowCount> {
  if (!provenance) {
    const { rows } = await session.query(sql`SELECT COUNT(*) AS total FROM ${tableIdent(table)}`)
    return { total: BigInt(rows[0]?.total ?? 0), byPartition: undefined, doubled: undefined }
  }
  const partition = ident(provenanceColumns.partition)
  const { rows } = await session.query(sql`
    SELECT ${partition} AS part, COUNT(*) AS total,
           COUNT(${ident(provenanceColumns.offset)}) - COUNT(DISTINCT ${ident(provenanceColumns.offset)}) AS doubled
    FROM ${tableIdent(table)}
    GROUP BY ${partition}`)
  let total = 0n
  let doubled = 0n
  const byPartition = new Map<number, bigint>()
  for (const row of rows) {
    const count = BigInt(row.total ?? 0)
    total += count
    // Rows without provenance were there before `etl`: they belong to no partition.
    if (row.part === null || row.part === undefined) continue
    byPartition.set(Number(row.part), count)
    doubled += BigInt(row.doubled ?? 0)
  }
  return { total, byPartition, doubled }
}
