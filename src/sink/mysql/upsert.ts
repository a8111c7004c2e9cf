import { SqlFailure } from '../sql/failure.ts'
import type { ServerInfo } from '../sql/session.ts'
import { quoted } from '../sql/statement.ts'

/**
 * How an upsert names the row that it wanted to insert. MySQL deprecates VALUES() since 8.0.20, with a warning to each
 * statement, in favour of an alias that MariaDB does not know.
 * https://dev.mysql.com/doc/refman/8.4/en/insert-on-duplicate.html
 */
export function proposedValue(server: ServerInfo, column: string): string {
  return server.product === 'MariaDB' ? `VALUES(${quoted(column)})` : `proposed.${quoted(column)}`
}

export function onDuplicateKey(server: ServerInfo): string {
  return server.product === 'MariaDB' ? ' ON DUPLICATE KEY UPDATE ' : ' AS proposed ON DUPLICATE KEY UPDATE '
}

/**
 * Sets every column but the key; a table of nothing but key columns is left as it is.
 *
 * MySQL takes a duplicate in any unique index for the row to update, so that a second one (a unique e-mail address) would let a
 * record change the row of another key. The guard keeps the first key column what it is, and divides by zero, an error in
 * strict mode, when the row that was found has another key: `notThisRow` is then the record's error.
 */
export function upsertTail(
  server: ServerInfo,
  table: string,
  key: readonly string[],
  columns: readonly string[],
): string {
  const stored = (column: string): string => `${table}.${quoted(column)}`
  const [firstKey = ''] = key
  const sameKey = key.map((column) => `${stored(column)} <=> ${proposedValue(server, column)}`).join(' AND ')
  const guard = `${quoted(firstKey)} = IF(1 DIV (${sameKey}), ${stored(firstKey)}, ${stored(firstKey)})`
  const others = columns.filter((column) => !key.includes(column))
  const set = others.map((column) => `${quoted(column)} = ${proposedValue(server, column)}`)
  return `${onDuplicateKey(server)}${[guard, ...set].join(', ')}`
}

/** ER_DIVISION_BY_ZERO: the guard, or a generated column, whose division is the record's error as well. */
const divisionByZero = '1365'

/** The guard's error as what it means; every other one as it is. */
export function notThisRow(err: unknown): unknown {
  if (!(err instanceof SqlFailure) || err.code !== divisionByZero) return err
  return new SqlFailure(
    'another row has the same value in a unique index that is not the key (or a generated column divides by zero)',
    { kind: 'record', errorClass: 'constraint' },
    err.code,
    { cause: err },
  )
}
