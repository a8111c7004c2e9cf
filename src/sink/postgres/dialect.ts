import type { Dialect } from '../sql/dialect.ts'
import { ident, join, sql } from '../sql/statement.ts'
import { readTable } from './catalog.ts'
import { reading } from './reading.ts'
import { rowWriter } from './rows.ts'
import { openSession } from './session.ts'
import { settings } from './settings.ts'
import { types } from './types.ts'

export const postgres: Dialect = {
  kind: 'postgres',
  open: openSession,
  types,
  readTable,
  tableOptions: () => '',
  onDuplicate: (_session, key, set) => sql`
    ON CONFLICT (${join(key.map(ident), ', ')}) DO UPDATE SET ${join(
      set.map(([column, value]) => sql`${ident(column)} = ${value}`),
      ', ',
    )}`,
  proposed: (_session, column) => sql`excluded.${ident(column)}`,
  rowWriter,
  settings,
  reading,
}
