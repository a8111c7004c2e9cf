import { ConfigError } from '../../errors.ts'
import { ident, type Sql, sql } from './statement.ts'

export interface TableName {
  /** PostgreSQL: schema; MySQL: database. undefined: the connection's own. */
  readonly schema: string | undefined
  readonly name: string
}

const part = /"(?:[^"]|"")+"|[^".]+/y

/**
 * Reads `table`, `schema.table`, or the same with parts in double quotes (`"a.b"."c""d"`).
 * Throws ConfigError for anything else.
 */
export function parseTableName(text: string): TableName {
  const parts: string[] = []
  let at = 0
  for (;;) {
    part.lastIndex = at
    const found = part.exec(text)?.[0]
    if (found === undefined) throw unreadable(text)
    parts.push(found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : found)
    at += found.length
    if (at === text.length) break
    if (text[at] !== '.') throw unreadable(text)
    at++
  }
  const [first, second] = parts
  if (first === undefined || parts.length > 2) throw unreadable(text)
  return second === undefined ? { schema: undefined, name: first } : { schema: first, name: second }
}

export function tableIdent(table: TableName): Sql {
  return table.schema === undefined ? ident(table.name) : sql`${ident(table.schema)}.${ident(table.name)}`
}

/** As people write it: quoted only where it has to be. */
export function tableText(table: TableName): string {
  const show = (name: string): string => (/[".]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)
  return table.schema === undefined ? show(table.name) : `${show(table.schema)}.${show(table.name)}`
}

function unreadable(text: string): ConfigError {
  return new ConfigError(`"${text}" is not a table name`, {
    next: 'write table, schema.table, or put each part in double quotes when it holds a dot: "a.b"',
  })
}
