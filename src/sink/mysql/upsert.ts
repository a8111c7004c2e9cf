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

/** Sets every column but the key; a table of nothing but key columns is left as it is. */
export function upsertTail(server: ServerInfo, key: readonly string[], columns: readonly string[]): string {
  const others = columns.filter((column) => !key.includes(column))
  const [firstKey = ''] = key
  const set =
    others.length === 0
      ? `${quoted(firstKey)} = ${proposedValue(server, firstKey)}`
      : others.map((column) => `${quoted(column)} = ${proposedValue(server, column)}`).join(', ')
  return `${onDuplicateKey(server)}${set}`
}
