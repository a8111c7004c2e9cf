import type { ColumnType } from '../../schema/table-spec.ts'
import type { Reading } from '../sql/reading.ts'
import { ident, raw, sql } from '../sql/statement.ts'

export const reading: Reading = {
  /** The server's configuration may say otherwise, and the text of a value depends on it. */
  settings: raw("SET LOCAL DateStyle TO 'ISO, YMD'; SET LOCAL extra_float_digits TO 1"),
  column(name: string, type: ColumnType) {
    const column = ident(name)
    if (type.kind === 'bytes') return sql`encode(${column}, 'hex')`
    return type.kind === 'timestamp' && type.zoned ? sql`${column} AT TIME ZONE 'UTC'` : column
  },
}
