import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { ConfigError, UsageError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import type { RegistryConfig } from '../schema/registry.ts'
import type { SinkConfig } from '../sink/sink.ts'
import { maxGroupLength } from '../sink/sink.ts'
import { passwordName } from '../sink/sql/session.ts'
import { type DatabaseState, readStackState, type StackState } from '../stack/state.ts'
import type { TlsSettings } from '../tls.ts'
import { addressMap } from './address-map.ts'
import { type ConfigFile, type DatasetEntry, loadConfigFile, type Secret } from './file.ts'
import { saslSettings } from './kafka-login.ts'
import { keepOut, Secrets } from './secrets.ts'
import { parseSinkUrl, urlTls } from './sink-url.ts'
import { type TlsFiles, tlsSettings } from './tls.ts'

/** What the shared flags gave; oclif has already merged their environment variables (flag > ETL_…). */
export interface Overrides {
  readonly config?: string | undefined
  readonly brokers?: string | undefined
  readonly 'registry-url'?: string | undefined
}

/** A sink with the name that people call it by. */
export interface NamedSink {
  readonly name: string
  readonly config: SinkConfig
}

/** One schema : one topic : one table, with every default filled in. */
export interface Dataset extends Omit<DatasetEntry, 'schema'> {
  readonly name: string
  /** Path of the schema file; undefined: the registry's latest of `<topic>-value`. */
  readonly schema: string | undefined
  readonly topic: string
  readonly table: string
}

/**
 * Where everything is: flag > environment > etl.yaml > a running `etl stack`. Each getter throws ConfigError
 * only when its part is asked for and missing, so that a command needs no more than it uses.
 */
export class Context {
  private readonly overrides: Overrides
  private readonly file: ConfigFile | undefined
  private readonly stack: StackState | undefined
  private readonly secrets: Secrets

  /** `warn` takes one sentence: what works, but should not be left as it is. */
  constructor(overrides: Overrides, warn: (text: string) => void = warnOnStderr) {
    this.overrides = overrides
    this.file = loadConfigFile(overrides.config)
    this.secrets = new Secrets({ base: dirname(this.file?.path ?? '.'), warn })
    this.stack = readStackState()
  }

  kafka(): KafkaConfig {
    const file = this.file?.kafka ?? this.ofStack(this.overrides.brokers)?.kafka
    const brokers = this.overrides.brokers ?? file?.brokers ?? this.stack?.services.kafka?.brokers
    if (!brokers)
      throw missing('Kafka brokers', '--brokers HOST:PORT, ETL_BROKERS, kafka.brokers in etl.yaml')
    const list = typeof brokers === 'string' ? brokers.split(',').map((b) => b.trim()) : [...brokers]
    const bad = list.find((b) => !/^[^:\s]+:\d+$|^\[[^\]]+\]:\d+$/.test(b))
    if (bad !== undefined) throw new ConfigError(`"${bad}" is not a broker address; it must be HOST:PORT`)
    return {
      brokers: list,
      clientId: file?.clientId ?? 'etl',
      addressMap: addressMap(file?.addressMap),
      tls: tlsSettings(this.secrets, { entry: file?.tls, prefix: 'ETL_KAFKA', where: 'kafka.tls' }),
      sasl: saslSettings(this.secrets, file?.sasl, dirname(this.file?.path ?? '.')),
    }
  }

  registry(): RegistryConfig {
    const file = this.file?.registry ?? this.ofStack(this.overrides['registry-url'])?.registry
    const url = this.overrides['registry-url'] ?? file?.url ?? this.stack?.services.registry?.url
    if (!url)
      throw missing('schema registry', '--registry-url URL, ETL_REGISTRY_URL, registry.url in etl.yaml')
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new ConfigError(`"${url}" is not a registry address; it must be http://… or https://…`)
    const username = process.env.ETL_REGISTRY_USERNAME ?? file?.username
    const token = this.secrets.find({
      what: 'token of the registry',
      variable: 'ETL_REGISTRY_TOKEN',
      value: file?.token,
      file: file?.tokenFile,
    })
    if (token !== undefined && username !== undefined)
      throw new ConfigError('the registry has a token and a user name; it takes one of them', {
        next: 'unset ETL_REGISTRY_USERNAME or ETL_REGISTRY_TOKEN, or take one out of etl.yaml',
      })
    return {
      url: url.replace(/\/+$/, ''),
      username,
      password:
        username === undefined
          ? undefined
          : this.secrets.need({
              what: `password of registry user ${username}`,
              variable: 'ETL_REGISTRY_PASSWORD',
              ...places(file),
            }),
      token,
      tls: tlsSettings(this.secrets, { entry: file?.tls, prefix: 'ETL_REGISTRY', where: 'registry.tls' }),
    }
  }

  /** Sinks by name: etl.yaml, ETL_POSTGRES_URL and ETL_MYSQL_URL, else those of the running stack. */
  sinks(): NamedSink[] {
    const found = new Map<string, SinkConfig>()
    const file = this.file?.sinks ? this.file : this.ofStack()
    for (const name of ['postgres', 'mysql'] as const) {
      const service = this.stack?.services[name]
      if (service && !file) found.set(name, { kind: name, ...pick(service) })
    }
    for (const [name, entry] of Object.entries(file?.sinks ?? {})) {
      const where = `${file?.path}: sinks.${name}.url`
      const url = parseSinkUrl(entry.url, where)
      const password = this.sinkPassword(url, `ETL_SINK_${environmentName(name)}_PASSWORD`, entry)
      const tls = this.sinkTls(entry.tls ?? urlTls(entry.url, where), `sinks.${name}.tls`)
      found.set(name, { ...url, password, tls })
    }
    for (const name of ['postgres', 'mysql']) {
      const variable = `ETL_${name.toUpperCase()}_URL`
      const url = process.env[variable]
      if (!url) continue
      const config = parseSinkUrl(url, variable)
      const password = this.sinkPassword(config)
      found.set(name, { ...config, password, tls: this.sinkTls(urlTls(url, variable), variable) })
    }
    return [...found].map(([name, config]) => ({ name, config }))
  }

  /** `ref` is a sink's name or a URL without password (that comes from ETL_SINK_PASSWORD). */
  sink(ref: string): NamedSink {
    if (ref.includes('://')) {
      const config = parseSinkUrl(ref, '--sink')
      if (config.password !== undefined)
        throw new UsageError('a password in a flag can be read by every user of this machine', {
          where: '--sink',
          next: 'export ETL_SINK_PASSWORD=… and leave it out of the address',
        })
      const tls = this.sinkTls(urlTls(ref, '--sink'), '--sink')
      return { name: config.kind, config: { ...config, password: this.sinkPassword(config), tls } }
    }
    const sinks = this.sinks()
    const named = sinks.find((s) => s.name === ref)
    if (named) return named
    if (sinks.length === 0)
      throw missing(
        'database',
        '--sink postgres://user@host/database, ETL_POSTGRES_URL, ETL_MYSQL_URL, sinks in etl.yaml',
      )
    throw new ConfigError(`there is no sink "${ref}"; there are: ${sinks.map((s) => s.name).join(', ')}`)
  }

  /** The one sink of a command that writes to one; with several configured it must be named. */
  oneSink(ref: string | undefined, dataset: Dataset): NamedSink {
    const sinks = this.selectSinks(ref === undefined ? undefined : [ref], dataset)
    if (sinks.length > 1)
      throw new UsageError(`there are several sinks: ${sinks.map((s) => s.name).join(', ')}`, {
        next: sinks.map((s) => `--sink ${s.name}`).join(' or '),
      })
    return sinks[0] as NamedSink
  }

  /** The sinks that `refs` name; without refs the dataset's own, else all. */
  selectSinks(refs: readonly string[] | undefined, dataset?: Dataset): NamedSink[] {
    const names = refs && refs.length > 0 ? refs : dataset?.sinks
    if (names) return names.map((ref) => this.sink(ref))
    const all = this.sinks()
    return all.length > 0 ? all : [this.sink('postgres')]
  }

  datasets(): Dataset[] {
    return Object.entries(this.file?.datasets ?? {}).map(([name, entry]) => {
      const topic = entry.topic ?? name
      return {
        ...entry,
        name,
        topic,
        schema: resolve(dirname(this.file?.path ?? '.'), entry.schema),
        table: entry.table ?? name,
      }
    })
  }

  /** The dataset of etl.yaml whose name or topic is `name`, else one made of defaults. */
  dataset(name: string): Dataset {
    const known = this.datasets().find((d) => d.name === name || d.topic === name)
    return known ?? { name, topic: name, table: name, schema: undefined }
  }

  /** The etl.yaml that a running secured stack brings along; not when `flag` names another server. */
  private ofStack(flag?: string): ConfigFile | undefined {
    const secure = this.stack?.secure
    return secure && flag === undefined ? loadConfigFile(secure.config) : undefined
  }

  /** The sink's own variable, its entry in etl.yaml, its URL, then the one that all sinks share. */
  private sinkPassword(url: SinkConfig, variable?: string, entry?: Secret): string | undefined {
    const what = passwordName(url)
    const own = variable === undefined ? undefined : this.secrets.find({ what, variable, ...places(entry) })
    const password = own ?? url.password
    if (password !== undefined) keepOut(password)
    return password ?? this.secrets.find({ what, variable: 'ETL_SINK_PASSWORD' })
  }

  private sinkTls(entry: TlsFiles | boolean | undefined, where: string): TlsSettings | undefined {
    return tlsSettings(this.secrets, { entry, prefix: 'ETL_SINK', where })
  }
}

/**
 * The consumer group of a dataset in one database. Each database needs a group of its own, or two of them would
 * share the partitions and each get a part; so kind and database are in the default name.
 */
export function groupOf(dataset: Dataset, sink: SinkConfig): string {
  if (dataset.group !== undefined) return dataset.group
  const ofDatabase = `-${sink.kind}-${sink.database}`
  const whole = `etl-${dataset.topic}${ofDatabase}`
  if (whole.length <= maxGroupLength) return whole
  // A topic may have 249 characters: its end gives way to a digest of all of it.
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 16)
  return `${whole.slice(0, maxGroupLength - digest.length - 1)}~${digest}`
}

function pick(service: DatabaseState) {
  const { host, port, user, password, database } = service
  return { host, port, user, password, database }
}

function places(entry: Secret | undefined): { value: string | undefined; file: string | undefined } {
  return { value: entry?.password, file: entry?.passwordFile }
}

/** `my-shop` → `MY_SHOP` */
function environmentName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

function warnOnStderr(text: string): void {
  process.stderr.write(`Warning: ${text}\n`)
}

function missing(what: string, ways: string): ConfigError {
  return new ConfigError(`no ${what} given`, { next: `etl stack up (local servers), or set one of: ${ways}` })
}
