import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError, UsageError } from '../errors.ts'
import type { KafkaConfig, TlsConfig } from '../kafka/config.ts'
import type { RegistryConfig } from '../schema/registry.ts'
import type { SinkConfig } from '../sink/sink.ts'
import { readStackState, type StackState } from '../stack/state.ts'
import { type ConfigFile, type DatasetEntry, loadConfigFile, type Secret, type TlsFiles } from './file.ts'
import { parseSinkUrl } from './sink-url.ts'

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

  constructor(overrides: Overrides) {
    this.overrides = overrides
    this.file = loadConfigFile(overrides.config)
    this.stack = readStackState()
  }

  kafka(): KafkaConfig {
    const file = this.file?.kafka
    const brokers = this.overrides.brokers ?? file?.brokers ?? this.stack?.services.kafka?.brokers
    if (!brokers)
      throw missing('Kafka brokers', '--brokers HOST:PORT, ETL_BROKERS, kafka.brokers in etl.yaml')
    const list = typeof brokers === 'string' ? brokers.split(',').map((b) => b.trim()) : [...brokers]
    const bad = list.find((b) => !/^[^:\s]+:\d+$|^\[[^\]]+\]:\d+$/.test(b))
    if (bad !== undefined) throw new ConfigError(`"${bad}" is not a broker address; it must be HOST:PORT`)
    return {
      brokers: list,
      clientId: file?.clientId ?? 'etl',
      tls: this.tls(file?.tls),
      sasl: file?.sasl && {
        mechanism: file.sasl.mechanism,
        username: file.sasl.username,
        password: this.secret(file.sasl, 'ETL_KAFKA_PASSWORD') ?? '',
      },
    }
  }

  registry(): RegistryConfig {
    const file = this.file?.registry
    const url = this.overrides['registry-url'] ?? file?.url ?? this.stack?.services.registry?.url
    if (!url)
      throw missing('schema registry', '--registry-url URL, ETL_REGISTRY_URL, registry.url in etl.yaml')
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new ConfigError(`"${url}" is not a registry address; it must be http://… or https://…`)
    return {
      url: url.replace(/\/+$/, ''),
      username: file?.username ?? process.env.ETL_REGISTRY_USERNAME,
      password: this.secret(file ?? {}, 'ETL_REGISTRY_PASSWORD'),
      tls: this.tls(file?.tls),
    }
  }

  /** Sinks by name: etl.yaml, ETL_POSTGRES_URL and ETL_MYSQL_URL, else those of the running stack. */
  sinks(): NamedSink[] {
    const found = new Map<string, SinkConfig>()
    for (const name of ['postgres', 'mysql'] as const) {
      const service = this.stack?.services[name]
      if (service) found.set(name, { kind: name, ...pick(service) })
    }
    if (this.file?.sinks) {
      found.clear()
      for (const [name, entry] of Object.entries(this.file.sinks)) {
        const where = `${this.file.path}: sinks.${name}.url`
        const url = parseSinkUrl(entry.url, where)
        found.set(name, {
          ...url,
          password: this.secret(entry, 'ETL_SINK_PASSWORD') ?? url.password,
          tls: this.tls(entry.tls),
        })
      }
    }
    for (const name of ['postgres', 'mysql']) {
      const variable = `ETL_${name.toUpperCase()}_URL`
      const url = process.env[variable]
      if (url) found.set(name, parseSinkUrl(url, variable))
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
      return { name: config.kind, config: { ...config, password: process.env.ETL_SINK_PASSWORD } }
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

  private secret(entry: Secret, variable: string): string | undefined {
    if (entry.passwordFile) return this.read(entry.passwordFile, 'password file').trim()
    return entry.password ?? process.env[variable]
  }

  private tls(
    files: TlsFiles | boolean | undefined,
  ): (TlsConfig & { rejectUnauthorized?: boolean }) | undefined {
    if (!files) return undefined
    if (files === true) return {}
    const pem = (path: string | undefined) => (path ? this.read(path, 'certificate file') : undefined)
    return {
      ca: pem(files.ca),
      cert: pem(files.cert),
      key: pem(files.key),
      serverName: files.serverName,
      ...(files.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: files.rejectUnauthorized }),
    }
  }

  private read(path: string, what: string): string {
    const full = resolve(dirname(this.file?.path ?? '.'), path)
    try {
      return readFileSync(full, 'utf8')
    } catch (cause) {
      throw new ConfigError(`the ${what} cannot be read`, { where: full, cause })
    }
  }
}

/**
 * The consumer group of a dataset in one database. Each database needs a group of its own, or two of them would
 * share the partitions and each get a part; so kind and database are in the default name.
 */
export function groupOf(dataset: Dataset, sink: SinkConfig): string {
  return dataset.group ?? `etl-${dataset.topic}-${sink.kind}-${sink.database}`
}

function pick(service: { host: string; port: number; user: string; password: string; database: string }) {
  const { host, port, user, password, database } = service
  return { host, port, user, password, database }
}

function missing(what: string, ways: string): ConfigError {
  return new ConfigError(`no ${what} given`, { next: `etl stack up (local servers), or set one of: ${ways}` })
}
