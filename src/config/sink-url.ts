import { ConfigError } from '../errors.ts'
import type { SinkConfig } from '../sink/sink.ts'
import type { TlsFiles } from './tls.ts'

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

/** Parameters of a database URL that say something of TLS, by libpq's names and MySQL's. */
const tlsParameters: Readonly<Record<string, 'mode' | 'ca' | 'cert' | 'key'>> = {
  sslmode: 'mode',
  'ssl-mode': 'mode',
  sslrootcert: 'ca',
  'ssl-ca': 'ca',
  sslcert: 'cert',
  'ssl-cert': 'cert',
  sslkey: 'key',
  'ssl-key': 'key',
}

/**
 * TLS as the URL's parameters ask for it (`?sslmode=verify-full&sslrootcert=ca.pem`); undefined when it says nothing. Whoever asks
 * for less than verify-full (`require`, `verify-ca`) gets verify-full. Throws ConfigError for modes that may end without
 * TLS unnoticed (`prefer`, `allow`) and for parameters that are not known: none is passed over.
 */
export function urlTls(text: string, where: string): TlsFiles | boolean | undefined {
  const found: { mode?: string; ca?: string; cert?: string; key?: string } = {}
  for (const [name, value] of new URL(text).searchParams) {
    const setting = tlsParameters[name.toLowerCase()]
    if (setting === undefined)
      throw new ConfigError(`the parameter ${name} of a database address is not known`, {
        where,
        next: `there are: ${Object.keys(tlsParameters).join(', ')}`,
      })
    found[setting] = value
  }
  const { mode, ...files } = found
  const wanted = mode?.toLowerCase().replaceAll('_', '-')
  if (wanted === 'disable' || wanted === 'disabled') return false
  if (wanted !== undefined && !/^(require|required|verify-ca|verify-full|verify-identity)$/.test(wanted))
    throw new ConfigError(`sslmode=${mode} would go on without TLS, or is not known`, {
      where,
      next: 'sslmode=verify-full or sslmode=disable',
    })
  if (wanted === undefined && Object.keys(files).length === 0) return undefined
  return Object.keys(files).length === 0 ? true : files
}
