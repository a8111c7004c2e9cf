import type { Dialect } from '../sql/dialect.ts'
import { ident, join, raw, sql } from '../sql/statement.ts'
import { readTable } from './catalog.ts'
import { reading } from './reading.ts'
import { rowWriter } from './rows.ts'
import { openSession } from './session.ts'
import { settings } from './settings.ts'
import { exactCollation, types } from './types.ts'
import { onDuplicateKey, proposedValue } from './upsert.ts'

export const mysql: Dialect = {
  kind: 'mysql',
  open: openSession,
  types,
  readTable,
  // A collation that compares bytes and does not pad: keys that differ in case or trailing blanks stay different.
  tableOptions: ({ server }) =>
    `ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE ${exactCollation(server)}`,
  onDuplicate: ({ server }, _key, set) => sql`
    ${raw(onDuplicateKey(server))} ${join(
      set.map(([column, value]) => sql`${ident(column)} = ${value}`),
      ', ',
    )}`,
  proposed: ({ server }, column) => raw(proposedValue(server, column)),
  rowWriter,
  settings,
  reading,
}
