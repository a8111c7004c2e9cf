import type { Row } from '../sink.ts'
import { SqlFailure } from './failure.ts'
import type { Session } from './session.ts'
import { raw } from './statement.ts'

/** A row that must not or cannot be written, and why. */
export interface Rejection {
  readonly row: Row
  readonly failure: SqlFailure
}

/**
 * Writes all rows that the database takes and returns those that it rejects for their data: halves are tried in turn,
 * each in its savepoint, O(k log n) statements for k bad rows. Every other failure is thrown.
 */
export async function writeIsolating(
  session: Session,
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<void>,
): Promise<Rejection[]> {
  if (rows.length === 0) return []
  await session.query(raw('SAVEPOINT etl_rows'))
  try {
    await write(rows)
    await session.query(raw('RELEASE SAVEPOINT etl_rows'))
    return []
  } catch (err) {
    if (!(err instanceof SqlFailure) || err.kind !== 'record') throw err
    await session.query(raw('ROLLBACK TO SAVEPOINT etl_rows'))
    await session.query(raw('RELEASE SAVEPOINT etl_rows'))
    const [only] = rows
    if (rows.length === 1 && only !== undefined) return [{ row: only, failure: err }]
  }
  const middle = rows.length >> 1
  const left = await writeIsolating(session, rows.slice(0, middle), write)
  return left.concat(await writeIsolating(session, rows.slice(middle), write))
}
