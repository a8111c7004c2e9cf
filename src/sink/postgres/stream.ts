import type { Session, SqlRow } from '../sql/session.ts'
import { raw, type Sql, sql } from '../sql/statement.ts'

/** Characters of a page; rows differ in size, so the number of rows follows the last page's. */
const pageChars = 1 << 20
const firstRows = 16
const maxRows = 4000

/** Reads by a server-side cursor, which a transaction has to be open for. */
export async function* streamRows(
  session: Pick<Session, 'query'>,
  statement: Sql,
): AsyncGenerator<readonly SqlRow[]> {
  await session.query(sql`DECLARE etl_rows NO SCROLL CURSOR FOR ${statement}`)
  let failed = false
  try {
    for (let wanted = firstRows; ; ) {
      const { rows } = await session.query(raw(`FETCH ${wanted} FROM etl_rows`))
      if (rows.length > 0) yield rows
      if (rows.length < wanted) return
      wanted = Math.min(maxRows, wanted * 4, Math.max(1, Math.floor(pageChars / meanChars(rows))))
    }
  } catch (err) {
    failed = true
    throw err
  } finally {
    // After a failure the transaction is over, and the cursor with it.
    if (!failed) await session.query(raw('CLOSE etl_rows'))
  }
}

function meanChars(rows: readonly SqlRow[]): number {
  let chars = 1
  for (const row of rows) for (const name in row) chars += row[name]?.length ?? 0
  return chars / rows.length
}
