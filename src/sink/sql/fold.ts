import type { ColumnType, SqlValue, TableSpec } from '../../schema/table-spec.ts'
import type { Row } from '../sink.ts'

/** What is left of a batch when only the last operation of each key counts; both lists in key order. */
export interface Folded {
  readonly writes: readonly Row[]
  readonly deletes: readonly Row[]
}

/** The key that a row is upserted or deleted by, as text that is equal exactly when the database finds it equal. */
export type KeyOf = (row: Row) => string

/**
 * Keeps the last operation of each key. One statement then never meets a key twice, and lanes that write the same keys lock
 * them in the same order.
 */
export function foldByKey(rows: readonly Row[], keyOf: KeyOf): Folded {
  const last = new Map<string, Row>()
  for (const row of rows) last.set(keyOf(row), row)
  const writes: Row[] = []
  const deletes: Row[] = []
  for (const key of [...last.keys()].sort()) {
    const row = last.get(key)
    if (row === undefined) continue
    if (row.op === 'write') writes.push(row)
    else deletes.push(row)
  }
  return { writes, deletes }
}

/**
 * Earlier operations of the keys whose last operation was rejected: without the rejected record they would have
 * decided, so they have to be applied in its place.
 */
export function supersededBy(rejected: ReadonlySet<Row>, rows: readonly Row[], keyOf: KeyOf): readonly Row[] {
  const keys = new Set([...rejected].map(keyOf))
  return rows.filter((row) => keys.has(keyOf(row)) && !rejected.has(row))
}

/** Without key columns from the data the record's own offset is the key. */
export function keyFunction(spec: TableSpec): KeyOf {
  const columns = spec.primaryKey.map((name) => {
    const index = spec.columns.findIndex((column) => column.name === name)
    return { index, type: spec.columns[index]?.type ?? { kind: 'string' as const } }
  })
  if (columns.length === 0) return (row) => row.record.offset.toString().padStart(20, '0')
  return (row) => columns.map(({ index, type }) => keyPart(type, row.values[index] ?? null)).join('\0\0')
}

function keyPart(type: ColumnType, value: SqlValue): string {
  if (value === null) return ''
  // The separator must not be made by two parts that run into each other.
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (type.kind === 'decimal') return canonicalDecimal(value as string)
  // -0 and 0 are one key.
  if (typeof value === 'number') return (value + 0).toString()
  return typeof value === 'string' ? value.replaceAll('\0', '\0\u0001') : value.toString()
}

/** `1.50`, `01.5` and `1.5` are one number, and so are `0` and `-0`. */
function canonicalDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)0*(\d*)\.?(\d*?)0*$/.exec(text) ?? [
    undefined,
    '',
    text,
    '',
  ]
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`
  return digits === '0' ? '0' : `${sign}${digits}`
}
