import { resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import type { OAuthSasl, PasswordSasl, SaslConfig } from '../kafka/config.ts'
import type { SaslEntry } from './file.ts'
import type { Secrets } from './secrets.ts'
import { tlsSettings } from './tls.ts'

const mechanisms: readonly SaslConfig['mechanism'][] = [
  'plain',
  'scram-sha-256',
  'scram-sha-512',
  'oauthbearer',
]
/** Keys of oauthbearer and of no other mechanism. */
const oauthKeys = [
  'tokenUrl',
  'clientId',
  'clientSecret',
  'clientSecretFile',
  'scope',
  'audience',
  'ca',
  'tokenFile',
  'extensions',
] as const
const passwordKeys = ['username', 'password', 'passwordFile'] as const
const next = 'docs/security.md shows an entry for each mechanism'

/**
 * How to log in to the cluster: `ETL_KAFKA_SASL_MECHANISM`, `ETL_KAFKA_USERNAME` and so on before etl.yaml. `base` is the folder that
 * relative files of etl.yaml start from. Undefined when nothing says how. Throws ConfigError.
 */
export function saslSettings(
  secrets: Secrets,
  file: SaslEntry | undefined,
  base: string,
): SaslConfig | undefined {
  const mechanism = mechanismOf(file)
  if (mechanism === undefined) return undefined
  return mechanism === 'oauthbearer'
    ? oauth(secrets, refuseKeys(file, passwordKeys, mechanism), base)
    : password(secrets, refuseKeys(file, oauthKeys, mechanism), mechanism)
}

function mechanismOf(file: SaslEntry | undefined): SaslConfig['mechanism'] | undefined {
  const text = process.env.ETL_KAFKA_SASL_MECHANISM?.toLowerCase()
  if (!text) {
    return file?.mechanism
  }
  const known = mechanisms.find((mechanism) => mechanism === text)
  if (known) return known
  throw new ConfigError(`ETL_KAFKA_SASL_MECHANISM does not know "${text}"`, {
    next: `one of ${mechanisms.join(', ')}`,
  })
}

function password(
  secrets: Secrets,
  file: Partial<SaslEntry>,
  mechanism: PasswordSasl['mechanism'],
): PasswordSasl {
  const username = process.env.ETL_KAFKA_USERNAME ?? file.username
  if (username === undefined) {
    throw new ConfigError(`SASL ${mechanism} needs a user name`, {
      where: 'kafka.sasl',
      next: 'username in etl.yaml, or ETL_KAFKA_USERNAME',
    })
  }
  const secret = secrets.need({
    what: `password of Kafka user ${username}`,
    variable: 'ETL_KAFKA_PASSWORD',
    value: file.password,
    file: file.passwordFile,
  })
  return { mechanism, username, password: secret }
}

function oauth(secrets: Secrets, file: Partial<SaslEntry>, base: string): OAuthSasl {
  const { ETL_KAFKA_TOKEN_FILE: tokenFile, ETL_KAFKA_TOKEN_URL: tokenUrl } = process.env
  const ofFile =
    tokenUrl === undefined && file.tokenFile !== undefined ? resolve(base, file.tokenFile) : undefined
  const path = tokenFile === undefined ? ofFile : resolve(tokenFile)
  const url = tokenUrl ?? file.tokenUrl
  if (path !== undefined && (tokenUrl !== undefined || (tokenFile === undefined && url !== undefined))) {
    throw new ConfigError('Kafka tokens come from a file or from an endpoint, not from both', {
      where: 'kafka.sasl',
      next: 'keep tokenFile or tokenUrl',
    })
  }
  const extensions = file.extensions
  if (path !== undefined) return { mechanism: 'oauthbearer', token: { file: path }, extensions }
  if (url === undefined) {
    throw new ConfigError('SASL oauthbearer needs to know where tokens come from', {
      where: 'kafka.sasl',
      next: 'tokenUrl with clientId and clientSecretFile, or tokenFile; ETL_KAFKA_TOKEN_URL, ETL_KAFKA_TOKEN_FILE',
    })
  }
  return { mechanism: 'oauthbearer', token: endpoint(secrets, file, url), extensions }
}

function endpoint(secrets: Secrets, file: Partial<SaslEntry>, url: string) {
  refuseOpen(url)
  const clientId = process.env.ETL_KAFKA_CLIENT_ID ?? file.clientId
  if (clientId === undefined) {
    throw new ConfigError('the token endpoint needs a client id', {
      where: 'kafka.sasl',
      next: 'clientId in etl.yaml, or ETL_KAFKA_CLIENT_ID',
    })
  }
  return {
    url,
    clientId,
    clientSecret: secrets.need({
      what: `secret of OAuth client ${clientId}`,
      variable: 'ETL_KAFKA_PASSWORD',
      value: file.clientSecret,
      file: file.clientSecretFile,
    }),
    scope: process.env.ETL_KAFKA_SCOPE ?? file.scope,
    audience: file.audience,
    tls: tlsSettings(secrets, {
      entry: file.ca === undefined ? undefined : { ca: file.ca },
      prefix: 'ETL_KAFKA_TOKEN',
      where: 'kafka.sasl.ca',
    }),
  }
}

/** Secret and token would go over the wire as they are. */
function refuseOpen(url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (protocol === 'https:' || (protocol === 'http:' && local)) return
  throw new ConfigError('the token endpoint must be an https:// address', {
    where: 'kafka.sasl.tokenUrl',
    next: 'tokenUrl: https://HOST/PATH',
  })
}

function refuseKeys(
  file: SaslEntry | undefined,
  keys: readonly (keyof SaslEntry)[],
  mechanism: string,
): Partial<SaslEntry> {
  const wrong = keys.find((key) => file?.[key] !== undefined)
  if (wrong === undefined || process.env.ETL_KAFKA_SASL_MECHANISM) return file ?? {}
  throw new ConfigError(`kafka.sasl.${wrong} does not go with the mechanism ${mechanism}`, { next })
}
