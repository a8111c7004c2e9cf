import { ConfigError } from '../../errors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { named, protocolErrorType } from '../cluster/failures.ts'
import { joinGroupDefinition } from '../kafkajs/internals.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { TopicPartition } from '../types.ts'
import { assignPartitions } from './assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'

/**
 * Name of our assignor. Only members that know it can be in the group: a program with Kafka's own assignors gets
 * INCONSISTENT_GROUP_PROTOCOL when it joins, rather than partitions of which it would write rows beside us.
 */
const assignorName = 'etl-sticky'

export interface MembershipOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
}

export interface Generation {
  readonly id: number
  readonly assigned: TopicPartition[]
  /**
   * Only for the member that computed the assignment: the partitions it shared out, by topic, those of other members' topics included. It watches
   * for new ones.
   */
  readonly shared: ReadonlyMap<string, number> | undefined
}

interface JoinGroupAnswer {
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { memberId: string; memberMetadata: Buffer }[]
}

interface GroupAssignment {
  readonly assignment: { memberId: string; memberAssignment: Buffer }[]
  readonly shared: ReadonlyMap<string, number>
}

/**
 * One member's talk with the group coordinator: the classic consumer group protocol. Each method is one
 * attempt and rejects with what the broker said.
 */
export class Membership {
  readonly #cluster: Cluster
  readonly #options: MembershipOptions
  /** Given by the coordinator; kept over rebalances. */
  #memberId = ''
  #generation = -1
  #coordinator: number | undefined

  constructor(cluster: Cluster, options: MembershipOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Joins, or joins again, and waits until every member has. `owned`: what this member had before. */
  async join(owned: readonly TopicPartition[]): Promise<Generation> {
    await this.#cluster.refresh(this.#options.topics)
    const joined = await this.#joinGroup(owned)
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const { group } = this.#options
    const computed = joined.leaderId === joined.memberId ? await this.#assign(joined.members) : undefined
    const answer = await (await this.#link('group')).call((broker) =>
      broker.syncGroup({
        groupId: group,
        generationId: joined.generationId,
        memberId: joined.memberId,
        groupAssignment: computed?.assignment ?? [],
      }),
    )
    const assigned = decodeAssignment(answer.memberAssignment)
    return { id: joined.generationId, assigned, shared: computed?.shared }
  }

  async heartbeat(): Promise<void> {
    const link = await this.#link('group')
    await link.call((broker) =>
      broker.heartbeat({
        groupId: this.#options.group,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
      }),
    )
  }

  async commit(offsets: ReadonlyMap<TopicPartition, bigint>): Promise<void> {
    const topics = [...Map.groupBy(offsets, ([tp]) => tp.topic)].map(([topic, entries]) => ({
      topic,
      partitions: entries.map(([tp, offset]) => ({ partition: tp.partition, offset: String(offset) })),
    }))
    // Not on the group's connection: it waits behind a JoinGroup there.
    await (await this.#link('control')).call((broker) =>
      broker.offsetCommit({
        groupId: this.#options.group,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
        topics,
      }),
    )
  }

  /** Lets the others have the partitions at once instead of after the session timeout. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    await (await this.#link('control')).call((broker) =>
      broker.leaveGroup({ groupId: this.#options.group, memberId: this.#memberId }),
    )
  }

  /** To be called after an error: forgets the coordinator, or the member id when the group forgot it. */
  recover(error: unknown): void {
    const type = protocolErrorType(error)
    if (type === 'UNKNOWN_MEMBER_ID' || type === 'FENCED_INSTANCE_ID') this.#memberId = ''
    if (type !== 'REBALANCE_IN_PROGRESS' && type !== 'ILLEGAL_GENERATION' && type !== 'UNKNOWN_MEMBER_ID') {
      this.#coordinator = undefined
    }
  }

  async #link(lane: 'group' | 'control') {
    this.#coordinator ??= await this.#cluster.coordinator(this.#options.group)
    return this.#cluster.node(this.#coordinator, lane)
  }

  async #joinGroup(owned: readonly TopicPartition[]): Promise<JoinGroupAnswer> {
    const { group, sessionTimeout, rebalanceTimeout, topics } = this.#options
    const link = await this.#link('group')
    const send = () =>
      link.send((broker) =>
        broker.lookupRequest<object, JoinGroupAnswer>(
          ApiKey.joinGroup,
          joinGroupDefinition,
        )({
          groupId: group,
          sessionTimeout,
          rebalanceTimeout,
          memberId: this.#memberId,
          protocolType: 'consumer',
          groupProtocols: [{ name: assignorName, metadata: encodeSubscription({ topics, owned }) }],
        }),
      )
    try {
      return await send()
    } catch (error) {
      // KIP-394: the first answer only gives the id to join with.
      const { name, memberId } = error as { name: string; memberId?: string }
      if (name !== 'KafkaJSMemberIdRequired' || memberId === undefined) throw groupError(error, group)
      this.#memberId = memberId
    }
    try {
      return await send()
    } catch (error) {
      throw groupError(error, group)
    }
  }

  /** Looks the topics up anew: the join may have waited for the other members while partitions were added. */
  async #assign(members: JoinGroupAnswer['members']): Promise<GroupAssignment> {
    const subscriptions = members.map(({ memberId, memberMetadata }) => ({
      memberId,
      ...decodeSubscription(memberMetadata),
    }))
    const topics = [...new Set(subscriptions.flatMap((member) => member.topics))]
    await this.#cluster.refresh(topics)
    const shared = new Map(
      topics.map((topic) => [topic, this.#cluster.topic(topic)?.partitions.length ?? 0] as const),
    )
    const assignment = [...assignPartitions(subscriptions, shared)].map(([memberId, tps]) => ({
      memberId,
      memberAssignment: encodeAssignment(tps),
    }))
    return { assignment, shared }
  }
}

/** Refusals that no repetition cures. */
function groupError(error: unknown, group: string): unknown {
  const type = protocolErrorType(error)
  const details = { where: `group ${group}`, cause: error }
  if (type === 'INCONSISTENT_GROUP_PROTOCOL') {
    return new ConfigError(
      `group ${group} has members of another program, which do not know our assignor ${assignorName}`,
      { ...details, next: 'stop the other consumers of the group, or choose another --group' },
    )
  }
  if (type === 'INVALID_SESSION_TIMEOUT') {
    return new ConfigError(
      'the session timeout is outside of group.min.session.timeout.ms to group.max.session.timeout.ms of the brokers',
      { ...details, next: '--session-timeout within that range; brokers take 6s to 30m by default' },
    )
  }
  if (type === 'INVALID_GROUP_ID') return new ConfigError(`'${group}' is not a group name`, details)
  if (type === 'GROUP_AUTHORIZATION_FAILED') return named(error, group)
  if (type === 'GROUP_MAX_SIZE_REACHED') return new ConfigError(`group ${group} is full`, details)
  return error
}
