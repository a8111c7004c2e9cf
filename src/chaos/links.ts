import { Cluster } from '../kafka/cluster/cluster.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import type { RegistryConfig } from '../schema/registry.ts'
import type { SinkConfig } from '../sink/sink.ts'
import { FaultProxy } from './proxy.ts'

const brokerPatience = 10_000

export interface ChaosSink {
  /** Its kind: a run has one of each at the most. */
  readonly name: SinkConfig['kind']
  /** What `--sink` takes where no proxy stands in front of it. */
  readonly ref: string
  readonly config: SinkConfig
}

/** Where everything is, without the proxies. */
export interface Places {
  readonly kafka: KafkaConfig
  readonly registry: RegistryConfig
  readonly sinks: readonly ChaosSink[]
}

/**
 * The proxies between `etl` and its servers, by the server's name. One that is reached by TLS is proxied, too, where its
 * certificate can still be checked: Kafka's, whose client knows which broker a proxy stands for.
 */
export class Links {
  readonly #proxies = new Map<string, readonly FaultProxy[]>()
  readonly #environment: NodeJS.ProcessEnv = {}
  readonly #addressMap: Record<string, string> = {}
  readonly #ways = new Map<string, { readonly proxy: FaultProxy; readonly environment: NodeJS.ProcessEnv }>()

  /** Names of what can be disturbed. */
  get names(): readonly string[] {
    return [...this.#proxies.keys()]
  }

  /** What sends a client in this process through Kafka's proxies. */
  get addressMap(): Readonly<Record<string, string>> {
    return this.#addressMap
  }

  /** What sends a process of ours through the proxies; `process`: a consumer's name, for its own way to the database. */
  environment(process?: string): NodeJS.ProcessEnv {
    return { ...this.#environment, ...this.#ways.get(process ?? '')?.environment }
  }

  /** The proxies in front of one server: of Kafka one for each broker, of a database one for each consumer process. */
  of(name: string): readonly FaultProxy[] {
    return this.#proxies.get(name) ?? []
  }

  /** The proxy between a consumer process and its database. */
  wayOf(process: string): FaultProxy | undefined {
    return this.#ways.get(process)?.proxy
  }

  /**
   * `brokers`: every broker as it is configured or advertised, `host:port`. `processes`: the consumers of each sink.
   */
  async open(
    places: Places,
    table: string,
    brokers: readonly string[],
    processes: (sink: string) => readonly string[],
  ): Promise<void> {
    await this.#kafka(places.kafka, brokers)
    await this.#registry(places.registry)
    for (const sink of places.sinks) await this.#sink(sink, table, processes(sink.name))
  }

  /** Ends every disturbance. */
  async heal(): Promise<void> {
    for (const proxy of this.#all()) {
      proxy.delay(0)
      proxy.blackHole(false)
      await proxy.accept()
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map((proxy) => proxy.close()))
  }

  async #kafka(kafka: KafkaConfig, brokers: readonly string[]): Promise<void> {
    const proxies: FaultProxy[] = []
    for (const broker of brokers) {
      const at = broker.lastIndexOf(':')
      const host = broker.slice(0, at).replace(/^\[|\]$/g, '')
      const proxy = new FaultProxy({ host, port: Number(broker.slice(at + 1)) })
      this.#addressMap[broker] = `127.0.0.1:${await proxy.listen()}`
      proxies.push(proxy)
    }
    this.#proxies.set('kafka', proxies)
    this.#environment.ETL_BROKERS = kafka.brokers.join(',')
    this.#environment.ETL_KAFKA_ADDRESS_MAP = Object.entries(this.#addressMap)
      .map(([from, to]) => `${from}=${to}`)
      .join(',')
  }

  async #registry({ url }: RegistryConfig): Promise<void> {
    const at = new URL(url)
    if (at.protocol !== 'http:') return
    const proxy = new FaultProxy({ host: at.hostname.replace(/^\[|\]$/g, ''), port: Number(at.port || 80) })
    at.hostname = '127.0.0.1'
    at.port = String(await proxy.listen())
    this.#proxies.set('registry', [proxy])
    this.#environment.ETL_REGISTRY_URL = at.href
  }

  async #sink({ name, config }: ChaosSink, table: string, processes: readonly string[]): Promise<void> {
    const { kind, host, port, tls } = config
    if (tls) return
    const proxies: FaultProxy[] = []
    for (const process of processes) {
      const proxy = new FaultProxy({ host, port, sql: { protocol: kind, table } })
      const url = sinkUrl(config, await proxy.listen())
      this.#ways.set(process, { proxy, environment: { [`ETL_${name.toUpperCase()}_URL`]: url } })
      proxies.push(proxy)
    }
    this.#proxies.set(name, proxies)
  }

  #all(): FaultProxy[] {
    return [...this.#proxies.values()].flat()
  }
}

/** Every address at which the cluster is reached: as configured, and as its brokers advertise. */
export async function brokersOf(kafka: KafkaConfig): Promise<string[]> {
  const cluster = new Cluster(kafka)
  try {
    const { brokers } = await cluster.retry('looking for the brokers', brokerPatience, () =>
      cluster.metadata([]),
    )
    const advertised = brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    return [...new Set([...kafka.brokers, ...advertised])]
  } finally {
    cluster.close()
  }
}

function sinkUrl({ kind, user, password, database }: SinkConfig, port: number): string {
  const url = new URL(`${kind}://127.0.0.1:${port}/${encodeURIComponent(database)}`)
  url.username = encodeURIComponent(user)
  url.password = encodeURIComponent(password ?? '')
  return url.href
}
