import { UnreachableError } from '../../errors.ts'
import { deniedByCode } from '../access.ts'
import type { KafkaConfig } from '../config.ts'
import { BrokerLink } from '../kafkajs/broker-link.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/error-codes.ts'
import {
  type BrokerAddress,
  type MetadataResponse,
  metadataRequest,
  type TopicMetadata,
} from '../protocol/metadata.ts'
import type { TopicPartition } from '../types.ts'
import { parseAddress } from './address.ts'
import { backoff, pauseFor } from './backoff.ts'
import { isTransient, named, protocolErrorType, toEtlError, unreachable } from './failures.ts'

/** Purpose of a connection. Each blocks for its own reasons, so each has its own socket. */
export type Lane = 'control' | 'fetch' | 'tail' | 'group' | 'produce'

/**
 * The brokers of one cluster: who they are, who leads what, and the links to them.
 *
 * Methods reject with kafkajs' errors or ours as they come from one attempt, unless they say that they retry.
 */
export class Cluster {
  readonly config: KafkaConfig
  /** Aborted by close(). */
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  readonly #links = new Map<string, BrokerLink>()
  readonly #topics = new Map<string, TopicMetadata>()
  #brokers: readonly BrokerAddress[] = []
  #refreshing: Promise<void> | undefined

  constructor(config: KafkaConfig) {
    this.config = config
    this.signal = this.#abort.signal
  }

  /** True once a broker has answered. */
  get contacted(): boolean {
    return this.#brokers.length > 0
  }

  /** Asks the known brokers, then the configured ones, until one answers. `null`: all topics. */
  async metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    let failure: unknown = new UnreachableError('no broker is configured')
    for (const { host, port } of this.#candidates()) {
      try {
        const response = await this.#link(host, port, 'control').send((_, versions) =>
          metadataRequest(topics, versions[ApiKey.metadata]?.maxVersion ?? 0),
        )
        this.#brokers = response.brokers
        for (const topic of response.topics) this.#topics.set(topic.name, topic)
        this.#refuseHidden(response.topics)
        return response
      } catch (error) {
        if (this.signal.aborted || !isTransient(error)) throw error
        failure = error
      }
    }
    throw unreachable(this.config, failure)
  }

  /** Refreshes the given topics and those already known; concurrent calls share one request. */
  async refresh(topics: readonly string[] = []): Promise<void> {
    if (topics.every((topic) => this.#topics.has(topic)) && this.#refreshing) return this.#refreshing
    const wanted = [...new Set([...this.#topics.keys(), ...topics])]
    this.#refreshing = this.metadata(wanted)
      .then(() => undefined)
      .finally(() => {
        this.#refreshing = undefined
      })
    return this.#refreshing
  }

  /** As of the last refresh; undefined when the topic does not exist or was never asked for. */
  topic(name: string): TopicMetadata | undefined {
    const topic = this.#topics.get(name)
    return topic?.errorCode === ErrorCode.none ? topic : undefined
  }

  /** The error code of the topic's last metadata; undefined when it was never asked for. */
  topicError(name: string): number | undefined {
    return this.#topics.get(name)?.errorCode
  }

  /** Node id of the leader as of the last refresh; undefined when there is none at the moment. */
  leader({ topic, partition }: TopicPartition): number | undefined {
    const leader = this.topic(topic)?.partitions.find((p) => p.partition === partition)?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /** Throws UnreachableError when the metadata does not name the broker (any more). */
  node(nodeId: number, lane: Lane): BrokerLink {
    const address = this.#brokers.find((broker) => broker.nodeId === nodeId)
    if (!address) throw new UnreachableError(`Kafka broker ${nodeId} is not in the cluster at the moment`)
    return this.#link(address.host, address.port, lane)
  }

  /** Any broker. */
  async any(): Promise<BrokerLink> {
    if (this.#brokers.length === 0) await this.metadata([])
    const address = this.#brokers[Math.floor(Math.random() * this.#brokers.length)]
    if (!address) throw new UnreachableError('the cluster names no brokers')
    return this.#link(address.host, address.port, 'control')
  }

  /** Node id of the broker that coordinates the group. */
  async coordinator(group: string): Promise<number> {
    const link = await this.any()
    const answer = await link
      .call((broker) => broker.findGroupCoordinator({ groupId: group, coordinatorType: 0 }))
      .catch((error: unknown) => {
        throw named(error, group)
      })
    const { nodeId } = answer.coordinator
    if (!this.#brokers.some((broker) => broker.nodeId === nodeId)) await this.metadata([])
    return nodeId
  }

  /**
   * Repeats `attempt` with back-off while it fails transiently, for `timeout` milliseconds; refreshes the metadata between attempts. Rejects
   * with an EtlError; `doing` says what for, `topic` which topic is meant.
   */
  async retry<T>(doing: string, timeout: number, attempt: () => Promise<T>, topic?: string): Promise<T> {
    const deadline = Date.now() + timeout
    for (let n = 0; ; n++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isTransient(error) || this.signal.aborted || Date.now() >= deadline) {
          throw toEtlError(error, this.config, doing, topic)
        }
        await pauseFor(backoff(n), this.signal)
        if (protocolErrorType(error) !== undefined) await this.refresh().catch(() => undefined) // the next attempt fails for the same reason
      }
    }
  }

  /** A topic that we may not describe can be neither read nor written, and is not told from one that does not exist. */
  #refuseHidden(topics: readonly TopicMetadata[]): void {
    for (const { name, errorCode } of topics) {
      const denied = deniedByCode(this.config, errorCode, {
        api: 'Metadata',
        name,
        doing: 'finding its partitions',
      })
      if (denied) throw denied
    }
  }

  /** Ends everything that is pending, at once. */
  close(): void {
    this.#abort.abort()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #link(host: string, port: number, lane: Lane): BrokerLink {
    if (this.signal.aborted) throw new UnreachableError('the client was closed')
    const key = `${host}:${port} ${lane}`
    let link = this.#links.get(key)
    if (!link) {
      link = new BrokerLink(this.config, host, port)
      this.#links.set(key, link)
    }
    return link
  }

  #candidates(): { host: string; port: number }[] {
    return [...this.#brokers, ...this.config.brokers.map(parseAddress)]
  }
}
