import { ConfigError, UsageError } from '../../errors.ts'
import type { Change } from '../sink.ts'
import { SqlFailure } from './failure.ts'
import type { Session } from './session.ts'
import { raw } from './statement.ts'

/** Throws UsageError before anything is executed when a change lacks its consent. */
export function requireConsents(changes: readonly Change[], consents: ReadonlySet<string>): void {
  const missing = changes.filter(({ consent }) => consent !== undefined && !consents.has(consent))
  if (missing.length === 0) return
  const names = [...new Set(missing.map(({ consent }) => consent))]
  throw new UsageError(`${missing.length} changes need consent`, {
    where: missing.map(({ object, detail }) => `${object}: ${detail}`).join('; '),
    next: `etl apply --execute ${names.map((name) => `--allow ${name}`).join(' ')}`,
  })
}

/** Executes the statements in order; what was done before a failure stays done where DDL is not transactional. */
export async function executeChanges(session: Session, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    for (const statement of change.sql) {
      try {
        await session.query(raw(statement))
      } catch (err) {
        throw refused(change, err)
      }
    }
  }
}

function refused(change: Change, err: unknown): unknown {
  if (!(err instanceof SqlFailure)) return err
  if (['disconnected', 'refused', 'tls', 'environment', 'conflict', 'forbidden'].includes(err.kind))
    return err
  return new ConfigError(`the database refused the change: ${change.detail}`, {
    where: change.object,
    cause: err,
    next: 'etl plan',
  })
}
