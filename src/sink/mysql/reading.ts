import type { ColumnType } from '../../schema/table-spec.ts'
import type { Reading } from '../sql/reading.ts'
import { ident, raw, sql } from '../sql/statement.ts'

export const reading: Reading = {
  /** A reader that waits for the log must not lose its result: the server would end the session after a minute. */
  settings: raw('SET SESSION net_write_timeout = 3600'),
  column(name: string, type: ColumnType) {
    const column = ident(name)
    // Bytes would be decoded as text; a BIT has no digits.
    if (type.kind === 'bytes') return sql`HEX(${column})`
    return type.kind === 'boolean' ? sql`${column} + 0` : column
  },
}
