import type { ExistingColumn, ExistingTable } from '../sql/existing.ts'
import type { Session, SqlRow } from '../sql/session.ts'
import { sql } from '../sql/statement.ts'
import type { TableName } from '../sql/table-name.ts'

/** Reads information_schema. https://dev.mysql.com/doc/refman/8.4/en/information-schema.html */
export async function readTable(session: Session, table: TableName): Promise<ExistingTable | undefined> {
  const schema = table.schema === undefined ? sql`DATABASE()` : sql`${table.schema}`
  const { rows } = await session.query(sql`
    SELECT TABLE_TYPE AS kind, ENGINE AS engine FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = ${schema} AND TABLE_NAME = ${table.name}`)
  const found = rows[0]
  if (found === undefined) return undefined
  const columns = await session.query(sql`
    SELECT COLUMN_NAME AS name, COLUMN_TYPE AS native, DATA_TYPE AS base, CHARACTER_MAXIMUM_LENGTH AS length,
           NUMERIC_PRECISION AS num_precision, NUMERIC_SCALE AS num_scale, DATETIME_PRECISION AS time_precision,
           COLLATION_NAME AS collation_name, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS default_value, EXTRA AS extra,
           GENERATION_EXPRESSION AS generation
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = ${schema} AND TABLE_NAME = ${table.name}
    ORDER BY ORDINAL_POSITION`)
  const keys = await session.query(sql`
    SELECT INDEX_NAME AS index_name, COLUMN_NAME AS name, SUB_PART AS prefix FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = ${schema} AND TABLE_NAME = ${table.name} AND NON_UNIQUE = 0
    ORDER BY INDEX_NAME, SEQ_IN_INDEX`)
  return {
    columns: columns.rows.map(existingColumn),
    primaryKey: keys.rows.filter((row) => row.index_name === 'PRIMARY').map((row) => row.name ?? ''),
    uniqueKeys: groupedKeys(keys.rows),
    unfit: unfitness(found.kind ?? '', found.engine ?? ''),
  }
}

function existingColumn(row: SqlRow): ExistingColumn {
  const base = (row.base ?? '').toLowerCase()
  const nativeType = row.native ?? ''
  const extra = (row.extra ?? '').toLowerCase()
  // MariaDB writes the default NULL as text, MySQL as none.
  const hasDefault = row.default_value !== null && row.default_value !== 'NULL'
  return {
    name: row.name ?? '',
    nativeType,
    base,
    args: typeArguments(base, row),
    unsigned: nativeType.includes('unsigned'),
    collation: row.collation_name ?? undefined,
    nullable: row.nullable === 'YES',
    hasDefault: hasDefault || extra.includes('auto_increment'),
    generated: (row.generation ?? '') !== '',
  }
}

function typeArguments(base: string, row: SqlRow): number[] {
  const numbers = (...values: (string | null | undefined)[]): number[] =>
    values.filter((value) => value !== null && value !== undefined).map(Number)
  if (base === 'decimal') return numbers(row.num_precision, row.num_scale)
  if (base === 'datetime' || base === 'time' || base === 'timestamp') return numbers(row.time_precision)
  return numbers(row.length)
}

function groupedKeys(rows: readonly SqlRow[]): string[][] {
  const keys = new Map<string, string[]>()
  for (const row of rows) {
    const columns = keys.get(row.index_name ?? '') ?? []
    // A prefix of a column is not the column: it makes different values collide.
    columns.push(row.prefix === null ? (row.name ?? '') : `${row.name}(${row.prefix})`)
    keys.set(row.index_name ?? '', columns)
  }
  return [...keys.values()]
}

function unfitness(kind: string, engine: string): string | undefined {
  if (kind !== 'BASE TABLE') return `it is not a table but a ${kind.toLowerCase()}`
  if (engine.toLowerCase() !== 'innodb') {
    return `its engine is ${engine}: rows and offsets need the transactions of InnoDB`
  }
  return undefined
}
