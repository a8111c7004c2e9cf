import { resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { checkTls, type TlsSettings } from '../tls.ts'
import type { Secrets } from './secrets.ts'

/** `tls` as etl.yaml has it: files relative to it. */
export interface TlsFiles {
  ca?: string
  cert?: string
  key?: string
  passphrase?: string
  passphraseFile?: string
  serverName?: string
  rejectUnauthorized?: boolean
}

/** Where the TLS settings of one server come from. */
export interface TlsPlaces {
  /** The `tls` of etl.yaml. */
  readonly entry: TlsFiles | boolean | undefined
  /** Environment variables begin with it: `ETL_KAFKA` → `ETL_KAFKA_TLS`, `ETL_KAFKA_TLS_CA`, … */
  readonly prefix: string
  /** As messages name it: `kafka.tls`. */
  readonly where: string
}

/**
 * `<prefix>_TLS=true|false`, `_TLS_CA`, `_TLS_CERT`, `_TLS_KEY` (files), `_TLS_KEY_PASSPHRASE` (or `…_FILE`) and `_TLS_SERVER_NAME`,
 * each before its key in etl.yaml. Undefined: no TLS. Throws ConfigError for files that cannot be read, TlsError for those
 * that OpenSSL cannot use.
 */
export function tlsSettings(secrets: Secrets, { entry, prefix, where }: TlsPlaces): TlsSettings | undefined {
  const files: TlsFiles = typeof entry === 'object' ? entry : {}
  const variable = (name: string) => process.env[`${prefix}_TLS${name}`]
  const fromEnvironment = ['_CA', '_CERT', '_KEY', '_SERVER_NAME'].some(
    (name) => variable(name) !== undefined,
  )
  const on = switchOf(prefix) ?? (fromEnvironment || Boolean(entry))
  if (!on) return undefined
  const pem = (name: string, file: string | undefined) => {
    // A path from the environment starts at the working directory, one from etl.yaml at its folder.
    const path = variable(name) === undefined ? file : resolve(variable(name) as string)
    return path === undefined ? undefined : secrets.readText(path, where)
  }
  const keyPath = variable('_KEY') === undefined ? files.key : resolve(variable('_KEY') as string)
  const settings: TlsSettings = {
    ca: pem('_CA', files.ca),
    cert: pem('_CERT', files.cert),
    key: keyPath === undefined ? undefined : secrets.read(keyPath, where),
    passphrase: secrets.find({
      what: `passphrase of the key in ${where}`,
      variable: `${prefix}_TLS_KEY_PASSPHRASE`,
      value: files.passphrase,
      file: files.passphraseFile,
    }),
    serverName: variable('_SERVER_NAME') ?? files.serverName,
    rejectUnauthorized: files.rejectUnauthorized,
  }
  askForPassphrase(settings, where, prefix)
  checkTls(settings, where)
  return settings
}

/** An encrypted key without its passphrase: a terminal can ask for it. */
function askForPassphrase({ key, passphrase }: TlsSettings, where: string, prefix: string): void {
  if (passphrase !== undefined || !/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(key ?? '')) return
  throw new ConfigError('the TLS key is encrypted, and its passphrase is not given', {
    where,
    next: `export ${prefix}_TLS_KEY_PASSPHRASE=…, or passphraseFile in etl.yaml`,
    secret: `passphrase of the key in ${where}`,
  })
}

function switchOf(prefix: string): boolean | undefined {
  const value = process.env[`${prefix}_TLS`]
  if (value === undefined || value === '') return undefined
  if (value !== 'true' && value !== 'false')
    throw new ConfigError(`${prefix}_TLS must be true or false, not "${value}"`)
  return value === 'true'
}
