import type { Finding, SinkConfig } from '../sink.ts'
import { bookkeepingTables } from './bookkeeping.ts'
import type { Dialect, SettingCheck } from './dialect.ts'
import { SqlFailure } from './failure.ts'
import { type Session, serverName } from './session.ts'

/** Looks at what the guarantee, and then the speed, depends on. What cannot be read becomes a warning. */
export async function checkSettings(
  session: Session,
  dialect: Dialect,
  config: SinkConfig,
): Promise<Finding[]> {
  const { product, version } = session.server
  const findings: Finding[] = [
    { check: 'connection', status: 'ok', detail: `${product} ${version} at ${serverName(config)}` },
  ]
  for (const setting of dialect.settings) findings.push(await checkSetting(session, setting))
  for (const { table } of bookkeepingTables) findings.push(await checkTable(session, dialect, table))
  return findings
}

export function unreachableFinding(config: SinkConfig, err: Error): Finding {
  const why = err.cause instanceof Error ? `: ${err.cause.message}` : ''
  return {
    check: 'connection',
    status: 'error',
    detail: `${serverName(config)}: ${err.message}${why}`,
    fix: 'check that the server runs and that host, port, user and password are right',
  }
}

async function checkSetting(session: Session, { check, query, problem }: SettingCheck): Promise<Finding> {
  try {
    const { rows } = await session.query(query)
    const found = problem(rows[0] ?? {})
    if (found === undefined) return { check, status: 'ok', detail: Object.values(rows[0] ?? {}).join(', ') }
    return { check, status: found.severity, detail: found.detail, fix: found.fix }
  } catch (err) {
    if (!(err instanceof SqlFailure)) throw err
    return { check, status: 'warning', detail: `cannot be read: ${err.message}` }
  }
}

async function checkTable(session: Session, dialect: Dialect, name: string): Promise<Finding> {
  const check = `table ${name}`
  const table = await dialect.readTable(session, { schema: undefined, name })
  if (table === undefined) return { check, status: 'warning', detail: 'does not exist yet', fix: 'etl apply' }
  if (table.unfit !== undefined) {
    return { check, status: 'error', detail: table.unfit, fix: 'change the table by hand, then etl plan' }
  }
  return { check, status: 'ok', detail: `${table.columns.length} columns` }
}
