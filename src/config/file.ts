import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import etlSchema from '../../schemas/etl.schema.json' with { type: 'json' }
import { ConfigError } from '../errors.ts'
import type { SaslConfig } from '../kafka/config.ts'
import type { TlsFiles } from './tls.ts'

/** etl.yaml as written, interpolated and checked against schemas/etl.schema.json; see there for each key. */
export interface ConfigFile {
  readonly path: string
  readonly kafka?: {
    brokers: string[] | string
    clientId?: string
    addressMap?: Record<string, string>
    tls?: TlsFiles | boolean
    sasl?: SaslEntry
  }
  readonly registry?: {
    url: string
    username?: string
    token?: string
    tokenFile?: string
    tls?: TlsFiles | boolean
  } & Secret
  readonly sinks?: Record<string, { url: string; tls?: TlsFiles | boolean } & Secret>
  readonly datasets?: Record<string, DatasetEntry>
}

/** `kafka.sasl` of etl.yaml. Which keys a mechanism takes is checked in kafka-login.ts. */
export interface SaslEntry {
  mechanism: SaslConfig['mechanism']
  username?: string
  password?: string
  passwordFile?: string
  tokenUrl?: string
  clientId?: string
  clientSecret?: string
  clientSecretFile?: string
  scope?: string
  audience?: string
  /** PEM file with the authorities of the token endpoint. */
  ca?: string
  tokenFile?: string
  extensions?: Record<string, string>
}

export interface Secret {
  password?: string
  passwordFile?: string
}

export interface DatasetEntry {
  schema: string
  topic?: string
  table?: string
  sinks?: string[]
  partitions?: number
  replication?: number
  topicConfig?: Record<string, string | number | boolean>
  mode?: 'insert' | 'upsert'
  key?: string[]
  keyLength?: number
  flatten?: boolean
  provenance?: boolean
  group?: string
}

/**
 * Finds etl.yaml: `explicit`, or the nearest one from the working directory up to the root of the git checkout. Undefined when there is none.
 * Throws ConfigError with file, line and column for YAML and schema errors, and for an undefined `${VARIABLE}`.
 */
export function loadConfigFile(explicit: string | undefined): ConfigFile | undefined {
  const path = explicit ? resolve(explicit) : findUp('etl.yaml')
  if (!path) return undefined
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('the configuration file cannot be read', {
      where: path,
      cause,
      next: 'etl … --config FILE',
    })
  }
  return parseConfig(text, path)
}

/** The parsed form of `text`; `path` is for messages and for the files that the text names. */
export function parseConfig(text: string, path: string): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [first] = document.errors
  if (first) {
    const at = first.linePos?.[0]
    throw new ConfigError(`the configuration is not valid YAML: ${first.message.split('\n')[0]}`, {
      where: at ? `${path}:${at.line}:${at.col}` : path,
    })
  }
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && node.value.includes('$'))
        node.value = interpolate(node.value, `${path}:${lines.linePos(node.range?.[0] ?? 0).line}`)
    },
  })
  const value = (document.toJS() ?? {}) as object
  const validate = new Ajv({ allErrors: false, strict: false }).compile(etlSchema)
  if (!validate(value)) {
    const error = pickError(validate.errors ?? [])
    const keys = error.instancePath
      .split('/')
      .slice(1)
      .map((k) => k.replaceAll('~1', '/').replaceAll('~0', '~'))
    const node = document.getIn(keys, true)
    const offset = isScalar(node) ? node.range?.[0] : (node as { range?: [number] } | undefined)?.range?.[0]
    const line = offset === undefined ? '' : `:${lines.linePos(offset).line}`
    throw new ConfigError(`${keys.join('.') || 'the configuration'} ${describe(error)}`, {
      where: `${path}${line}`,
      next: 'see schemas/etl.schema.json for every key',
    })
  }
  return { path, ...value }
}

/** oneOf reports each branch; the deepest error is the one that people mean. */
function pickError(errors: ErrorObject[]): ErrorObject {
  const sorted = [...errors].sort((a, b) => b.instancePath.length - a.instancePath.length)
  return sorted[0] as ErrorObject
}

function describe(error: ErrorObject): string {
  if (error.keyword === 'additionalProperties')
    return `does not know the key "${error.params.additionalProperty}"`
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`
  return error.message ?? 'is not valid'
}

/** `${NAME}` and `${NAME:-default}`; `$$` is a dollar sign. */
function interpolate(text: string, where: string): string {
  return text.replace(
    /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (all, name: string | undefined, fallback) => {
      if (all === '$$') return '$'
      const value = process.env[name as string] ?? fallback
      if (value === undefined)
        throw new ConfigError(`the environment variable ${name} is not set`, {
          where,
          next: `export ${name}=…`,
        })
      return value
    },
  )
}

function findUp(name: string): string | undefined {
  let dir = process.cwd()
  for (;;) {
    const path = join(dir, name)
    if (existsSync(path)) return path
    const parent = dirname(dir)
    if (parent === dir || existsSync(join(dir, '.git'))) return undefined
    dir = parent
  }
}
