import { ConfigError, UnexpectedError, UnreachableError } from '../errors.ts'
import { deniedByCode } from './access.ts'
import type { KafkaAdmin, NewTopic, TopicInfo } from './admin.ts'
import { pauseFor } from './cluster/backoff.ts'
import { Cluster } from './cluster/cluster.ts'
import { named, protocolErrorType, unknownTopic } from './cluster/failures.ts'
import type { KafkaConfig } from './config.ts'
import { invalidTopic } from './errors.ts'
import type { Broker } from './kafkajs/types.ts'
import { listOffsets } from './list-offsets.ts'
import { alterTopicConfigRequest } from './protocol/alter-configs.ts'
import { ErrorCode, errorName } from './protocol/error-codes.ts'
import type { MetadataResponse } from './protocol/metadata.ts'

/** Milliseconds that an administrative request is retried, and that the controller may take for one. */
const patience = 10_000
/** The same before any broker has answered once: then the address is more likely wrong than the broker slow. */
const firstPatience = 3_000
const topicResource = 2

/** The admin port over kafkajs' request encoders. */
export class ClusterAdmin implements KafkaAdmin {
  readonly #cluster: Cluster

  constructor(config: KafkaConfig) {
    this.#cluster = new Cluster(config)
  }

  async clusterId(): Promise<string> {
    const { clusterId } = await this.#metadata([])
    if (clusterId === null) throw new UnexpectedError('the broker does not say which cluster it belongs to')
    return clusterId
  }

  async topic(name: string): Promise<TopicInfo | undefined> {
    const found = (await this.#metadata([name], name)).topics[0]
    if (!found || found.errorCode === ErrorCode.unknownTopicOrPartition) return undefined
    if (found.errorCode !== ErrorCode.none && found.errorCode !== ErrorCode.leaderNotAvailable) {
      if (found.errorCode === ErrorCode.invalidTopic) throw invalidTopic(name)
      throw new ConfigError(`topic ${name} cannot be looked at: ${errorName(found.errorCode)}`, {
        where: name,
      })
    }
    return {
      name,
      topicId: found.topicId,
      partitions: found.partitions.length,
      replicationFactor: found.partitions[0]?.replicas.length ?? 0,
    }
  }

  async topicConfig(name: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#call(`reading the settings of topic ${name}`, name, (broker) =>
      broker.describeConfigs({ resources: [{ type: topicResource, name, configNames: [] }] }),
    )
    const entries = answer.resources[0]?.configEntries ?? []
    return new Map(entries.map((entry) => [entry.configName, entry.configValue ?? '']))
  }

  async createTopic(spec: NewTopic): Promise<void> {
    const { name } = spec
    const topic = {
      topic: name,
      numPartitions: spec.partitions,
      replicationFactor: spec.replicationFactor,
      configEntries: [...spec.config].map(([key, value]) => ({ name: key, value })),
    }
    try {
      await this.#control(`creating topic ${name}`, name, (broker) =>
        broker.createTopics({ topics: [topic], timeout: patience }),
      )
    } catch (error) {
      throw refusal(error, `topic ${name} cannot be created`, name)
    }
    await this.#until(name, (partitions) => partitions.length >= Math.max(spec.partitions, 1))
  }

  async createPartitions(name: string, total: number): Promise<void> {
    try {
      await this.#control(`adding partitions to topic ${name}`, name, (broker) =>
        broker.createPartitions({ topicPartitions: [{ topic: name, count: total }], timeout: patience }),
      )
    } catch (error) {
      throw refusal(error, `topic ${name} cannot have ${total} partitions`, name)
    }
    await this.#until(name, (partitions) => partitions.length >= total)
  }

  async alterTopicConfig(name: string, entries: ReadonlyMap<string, string>): Promise<void> {
    if (entries.size === 0) return
    const result = await this.#cluster.retry(
      `changing the settings of topic ${name}`,
      this.#patience,
      async () => (await this.#controller()).send(() => alterTopicConfigRequest(name, entries)),
    )
    if (result.errorCode === ErrorCode.none) return
    if (result.errorCode === ErrorCode.unknownTopicOrPartition) throw unknownTopic(name)
    const doing = 'changing its settings'
    const denied = deniedByCode(this.#cluster.config, result.errorCode, {
      api: 'IncrementalAlterConfigs',
      name,
      doing,
    })
    if (denied) throw denied
    throw new ConfigError(
      `the settings of topic ${name} were refused: ${result.errorMessage ?? errorName(result.errorCode)}`,
      { where: name },
    )
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#control(`deleting topic ${name}`, name, (broker) =>
      broker.deleteTopics({ topics: [name], timeout: patience }),
    )
    const deadline = Date.now() + patience
    while ((await this.topic(name)) !== undefined && Date.now() < deadline) {
      await pauseFor(50, this.#cluster.signal)
    }
  }

  startOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return this.#offsets(topic, 'start')
  }

  endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return this.#offsets(topic, 'end')
  }

  async groupOffsets(group: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
    const info = await this.topic(topic)
    if (!info) throw unknownTopic(topic)
    const partitions = Array.from({ length: info.partitions }, (_, partition) => ({ partition }))
    const answer = await this.#cluster.retry(
      `reading the offsets of group ${group}`,
      this.#patience,
      async () => {
        const nodeId = await this.#cluster.coordinator(group)
        return this.#cluster
          .node(nodeId, 'control')
          .call((broker) => broker.offsetFetch({ groupId: group, topics: [{ topic, partitions }] }))
          .catch((error: unknown) => {
            throw protocolErrorType(error) === 'GROUP_AUTHORIZATION_FAILED' ? named(error, group) : error
          })
      },
    )
    const offsets = new Map<number, bigint>()
    for (const { partition, offset } of answer.responses[0]?.partitions ?? []) {
      if (BigInt(offset) >= 0n) offsets.set(partition, BigInt(offset))
    }
    return offsets
  }

  async close(): Promise<void> {
    this.#cluster.close()
  }

  get #patience(): number {
    return this.#cluster.contacted ? patience : firstPatience
  }

  #metadata(topics: readonly string[], topic?: string): Promise<MetadataResponse> {
    return this.#cluster.retry(
      'reading the metadata',
      this.#patience,
      () => this.#cluster.metadata(topics),
      topic,
    )
  }

  async #offsets(topic: string, end: 'start' | 'end'): Promise<ReadonlyMap<number, bigint>> {
    return this.#cluster.retry(
      `reading the offsets of topic ${topic}`,
      this.#patience,
      () => listOffsets(this.#cluster, topic, end),
      topic,
    )
  }

  #call<T>(doing: string, topic: string, request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#cluster.retry(
      doing,
      this.#patience,
      async () => (await this.#cluster.any()).call(request),
      topic,
    )
  }

  #control<T>(doing: string, topic: string, request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#cluster.retry(
      doing,
      this.#patience,
      async () => (await this.#controller()).call(request),
      topic,
    )
  }

  async #controller() {
    const { controllerId } = await this.#cluster.metadata([])
    return controllerId >= 0 ? this.#cluster.node(controllerId, 'control') : this.#cluster.any()
  }

  /** Brokers learn of a change one after the other: waits until it shows and every partition has a leader. */
  async #until(
    name: string,
    ready: (partitions: MetadataResponse['topics'][number]['partitions']) => boolean,
  ): Promise<void> {
    const deadline = Date.now() + patience
    for (;;) {
      const topic = (await this.#metadata([name])).topics[0]
      const partitions = topic?.errorCode === ErrorCode.none ? topic.partitions : []
      if (ready(partitions) && partitions.every((p) => p.leader >= 0)) return
      if (Date.now() > deadline) {
        throw new UnreachableError(`topic ${name} has partitions without a leader after ${patience} ms`, {
          where: name,
        })
      }
      await pauseFor(25, this.#cluster.signal)
    }
  }
}

const refusals: Readonly<Record<string, string>> = {
  TOPIC_ALREADY_EXISTS: 'it exists',
  INVALID_PARTITIONS: 'the number of partitions is not valid; it can only grow',
  INVALID_REPLICATION_FACTOR: 'the replication factor is larger than the number of brokers',
  INVALID_TOPIC_EXCEPTION: 'the name is not valid (letters, digits, dot, underscore, dash; at most 249)',
  INVALID_CONFIG: 'a setting is unknown or has a value that is not valid',
  POLICY_VIOLATION: 'a policy of the cluster forbids it',
}

/** A refusal of the controller as a ConfigError; any other error unchanged. */
function refusal(error: unknown, what: string, topic: string): unknown {
  const type = protocolErrorType((error as Error).cause ?? error)
  const why = type === undefined ? undefined : refusals[type]
  return why === undefined ? error : new ConfigError(`${what}: ${why}`, { where: topic, cause: error })
}
