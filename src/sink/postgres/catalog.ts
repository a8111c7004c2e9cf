import type { ExistingColumn, ExistingTable } from '../sql/existing.ts'
import type { Session, SqlRow } from '../sql/session.ts'
import { sql } from '../sql/statement.ts'
import { type TableName, tableIdent } from '../sql/table-name.ts'

/** Reads pg_catalog. https://www.postgresql.org/docs/current/catalogs.html */
export async function readTable(session: Session, table: TableName): Promise<ExistingTable | undefined> {
  const name = tableIdent(table).render(() => '')
  const { rows } = await session.query(sql`
    SELECT c.oid, c.relkind, c.relpersistence FROM pg_class c WHERE c.oid = to_regclass(${name})`)
  const found = rows[0]
  if (found === undefined) return undefined
  const oid = found.oid ?? '0'
  const columns = await session.query(sql`
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS native, a.attnotnull, a.atthasdef, a.attidentity,
           a.attgenerated
    FROM pg_attribute a
    WHERE a.attrelid = ${oid}::oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum`)
  const keys = await session.query(sql`
    SELECT i.indisprimary, a.attname, i.indexrelid
    FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = ${oid}::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND k.place <= i.indnkeyatts
    ORDER BY i.indexrelid, k.place`)
  return {
    columns: columns.rows.map(existingColumn),
    primaryKey: keys.rows.filter((row) => row.indisprimary === 't').map((row) => row.attname ?? ''),
    uniqueKeys: groupedKeys(keys.rows),
    unfit: unfitness(found.relkind ?? '', found.relpersistence ?? ''),
  }
}

function existingColumn(row: SqlRow): ExistingColumn {
  const nativeType = row.native ?? ''
  // `timestamp(3) with time zone`, `character varying(20)`, `numeric(10,2)`
  const args = /\(([\d,]+)\)/.exec(nativeType)?.[1]
  return {
    name: row.attname ?? '',
    nativeType,
    base: nativeType.replace(/\([\d,]+\)/, ''),
    args: args === undefined ? [] : args.split(',').map(Number),
    unsigned: false,
    collation: undefined,
    nullable: row.attnotnull !== 't',
    hasDefault: row.atthasdef === 't' || row.attidentity !== '',
    // GENERATED ALWAYS AS IDENTITY takes no value either.
    generated: row.attgenerated !== '' || row.attidentity === 'a',
  }
}

function groupedKeys(rows: readonly SqlRow[]): string[][] {
  const keys = new Map<string, string[]>()
  for (const row of rows) {
    const columns = keys.get(row.indexrelid ?? '') ?? []
    columns.push(row.attname ?? '')
    keys.set(row.indexrelid ?? '', columns)
  }
  return [...keys.values()]
}

function unfitness(kind: string, persistence: string): string | undefined {
  if (kind !== 'r' && kind !== 'p') return 'it is not a table (a view, a foreign table, an index)'
  if (persistence === 'u') return 'it is UNLOGGED: a crash of the server empties it, and the offsets stay'
  if (persistence === 't') return 'it is a temporary table'
  return undefined
}
