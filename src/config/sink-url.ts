import { ConfigError } from '../errors.ts'
import type { SinkConfig } from '../sink/sink.ts'

const kinds: Record<string, { kind: SinkConfig['kind']; port: number }> = {
  'postgres:': { kind: 'postgres', port: 5432 },
  'postgresql:': { kind: 'postgres', port: 5432 },
  'mysql:': { kind: 'mysql', port: 3306 },
  'mariadb:': { kind: 'mysql', port: 3306 },
}

/** `postgres://user@host:port/database`, `mysql://…`. Throws ConfigError; the password never gets into the message. */
export function parseSinkUrl(text: string, where: string): SinkConfig {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const known = url ? kinds[url.protocol] : undefined
  const database = url ? decodeURIComponent(url.pathname.slice(1)) : ''
  if (!url || !known || !url.hostname || !database)
    throw new ConfigError(
      'a database address must look like postgres://user@host:5432/database or mysql://user@host:3306/database',
      {
        where,
      },
    )
  return {
    kind: known.kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : known.port,
    user: decodeURIComponent(url.username) || 'etl',
    password: url.password ? decodeURIComponent(url.password) : undefined,
    database,
  }
}
