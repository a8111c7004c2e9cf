import { ConfigError, UnreachableError } from '../../errors.ts'
import { deniedByCode } from '../access.ts'
import { backoff, pauseFor } from '../cluster/backoff.ts'
import { Cluster } from '../cluster/cluster.ts'
import { isTransient, named, toEtlError } from '../cluster/failures.ts'
import type { KafkaConfig } from '../config.ts'
import type { ApiVersions, WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, errorName } from '../protocol/error-codes.ts'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  endTxnRequest,
  initProducerIdRequest,
  stableOffsetRequest,
  type TransactionIdentity,
  txnOffsetCommitRequest,
} from '../protocol/transactions.ts'
import type { StoredPlace, TransactionalId, Transactions, TransactionsOptions } from '../transactions.ts'
import { judge, transactionError } from './transaction-errors.ts'

/** FindCoordinator's key types. */
const CoordinatorType = { group: 0, transaction: 1 } as const
type CoordinatorOf = keyof typeof CoordinatorType

/** Places are kept under this partition of the topic, whichever partitions the records go to. */
const placePartition = 0
/** InitProducerId that knows the identity, and OffsetFetch that waits for open transactions: both since Kafka 2.5. */
const needed = { [ApiKey.initProducerId]: 3, [ApiKey.offsetFetch]: 7, [ApiKey.txnOffsetCommit]: 2 }
/** Milliseconds by which a transaction may be older than the delivery time-out: what it waits for is given up first. */
const slack = 30_000
/** Milliseconds that a process which is ending anyway waits for the brokers to take an abort. */
const abandonPatience = 2_000

type Make<T> = (versions: ApiVersions) => WireRequest<T>

/** Talks with the coordinators of transactional ids and of the groups of the same names. */
export class TransactionClient implements Transactions {
  readonly #cluster: Cluster
  readonly #timeout: number
  /** Node ids, by type and id. */
  readonly #coordinators = new Map<string, number>()

  constructor(config: KafkaConfig, options: TransactionsOptions) {
    this.#cluster = new Cluster({ ...config, clientId: options.clientId })
    this.#timeout = options.deliveryTimeout
  }

  async take(id: string, topic: string): Promise<TransactionalId> {
    const { producerId, producerEpoch } = await this.ask(
      'transaction',
      id,
      'taking a transactional id over',
      initRequest(id, this.#timeout + slack),
      (answer) => answer.errorCode,
    )
    const identity = { transactionalId: id, producerId, producerEpoch }
    const { offset, metadata } = await this.ask(
      'group',
      id,
      'reading the stored position',
      () => stableOffsetRequest(id, topic, placePartition),
      (answer) => answer.errorCode,
    )
    return new OwnedId(this, identity, topic, offset < 0n ? undefined : { offset, metadata })
  }

  close(): void {
    this.#cluster.close()
  }

  /** Sends to the coordinator, and again until the code says that it is done or will never be. */
  async ask<T>(
    type: CoordinatorOf,
    id: string,
    doing: string,
    make: Make<T>,
    codeOf: (answer: T) => number,
  ): Promise<T> {
    const deadline = Date.now() + this.#timeout
    for (let attempt = 0; ; attempt++) {
      const wait = await this.#attempt(type, id, make).then(
        (answer) => {
          const code = codeOf(answer)
          const verdict = judge(code)
          if (verdict === 'done') return { answer }
          if (verdict === 'fail')
            throw this.#denied(type, code, id, doing) ?? transactionError(code, id, doing)
          if (verdict === 'look again') this.#forget(type, id)
          const milliseconds = verdict === 'wait' ? Math.min(10 * (attempt + 1), 100) : backoff(attempt)
          return { milliseconds, error: new UnreachableError(errorName(code)) }
        },
        (error: unknown) => {
          if (!isTransient(error)) throw toEtlError(named(error, id), this.#cluster.config, doing)
          this.#forget(type, id)
          return { milliseconds: backoff(attempt), error }
        },
      )
      if ('answer' in wait) return wait.answer
      if (Date.now() > deadline || this.#cluster.signal.aborted)
        throw toEtlError(wait.error, this.#cluster.config, doing)
      await pauseFor(wait.milliseconds, this.#cluster.signal)
    }
  }

  /** Undefined when the code denies nothing. Topics are not named by the answers that deny them. */
  #denied(type: CoordinatorOf, code: number, id: string, doing: string) {
    const topic = code === ErrorCode.topicAuthorizationFailed
    const api = topic && type === 'transaction' ? 'AddPartitionsToTxn' : 'TxnOffsetCommit'
    return deniedByCode(this.#cluster.config, code, { api, name: topic ? undefined : id, doing })
  }

  /** Starts the abort of whatever is open; one attempt. The bumped epoch shuts out requests that are still on their way, too. */
  async abort(identity: TransactionIdentity): Promise<void> {
    const init = initRequest(identity.transactionalId, this.#timeout + slack, identity)
    const attempt = this.#attempt('transaction', identity.transactionalId, init)
    await Promise.race([attempt, pauseFor(abandonPatience, this.#cluster.signal)])
  }

  async #attempt<T>(type: CoordinatorOf, id: string, make: Make<T>): Promise<T> {
    const node = await this.#coordinator(type, id)
    return this.#cluster.node(node, 'control').send((_, versions) => {
      checkVersions(versions)
      return make(versions)
    })
  }

  async #coordinator(type: CoordinatorOf, id: string): Promise<number> {
    const key = `${type} ${id}`
    const known = this.#coordinators.get(key)
    if (known !== undefined) return known
    await this.#cluster.metadata([])
    const link = await this.#cluster.any()
    const { coordinator } = await link.call((broker) =>
      broker.findGroupCoordinator({ groupId: id, coordinatorType: CoordinatorType[type] }),
    )
    this.#coordinators.set(key, coordinator.nodeId)
    return coordinator.nodeId
  }

  #forget(type: CoordinatorOf, id: string): void {
    this.#coordinators.delete(`${type} ${id}`)
  }
}

class OwnedId implements TransactionalId {
  readonly identity: TransactionIdentity
  readonly stored: StoredPlace | undefined
  readonly #client: TransactionClient
  readonly #topic: string
  /** Partitions of the transaction that is open. */
  readonly #included = new Set<number>()

  constructor(
    client: TransactionClient,
    identity: TransactionIdentity,
    topic: string,
    stored: StoredPlace | undefined,
  ) {
    this.#client = client
    this.identity = identity
    this.#topic = topic
    this.stored = stored
  }

  async include(partitions: readonly number[]): Promise<void> {
    const fresh = partitions.filter((partition) => !this.#included.has(partition))
    if (fresh.length === 0) return
    await this.#ask('transaction', 'adding partitions to the transaction', (versions) =>
      addPartitionsRequest(this.identity, this.#topic, fresh, versionOf(versions, ApiKey.addPartitionsToTxn)),
    )
    for (const partition of fresh) this.#included.add(partition)
  }

  async store(place: StoredPlace): Promise<void> {
    const group = this.identity.transactionalId
    const offset = { topic: this.#topic, partition: placePartition, ...place }
    await this.#ask('transaction', 'adding the position to the transaction', (versions) =>
      addOffsetsRequest(this.identity, group, versionOf(versions, ApiKey.addOffsetsToTxn)),
    )
    await this.#ask('group', 'storing the position', () =>
      txnOffsetCommitRequest(this.identity, group, offset),
    )
  }

  async commit(): Promise<void> {
    // Asked again after a lost answer the coordinator says "done" for a transaction that it has committed.
    await this.#ask('transaction', 'committing', (versions) =>
      endTxnRequest(this.identity, 'commit', versionOf(versions, ApiKey.endTxn)),
    )
    this.#included.clear()
  }

  async abandon(): Promise<void> {
    try {
      await this.#client.abort(this.identity)
    } catch {
      // Unreachable or fenced already: see the contract.
    }
  }

  async #ask(type: CoordinatorOf, doing: string, make: Make<number>): Promise<void> {
    await this.#client.ask(type, this.identity.transactionalId, doing, make, (code) => code)
  }
}

function initRequest(transactionalId: string, timeout: number, known?: TransactionIdentity) {
  return (versions: ApiVersions) =>
    initProducerIdRequest({ transactionalId, timeout, known }, versionOf(versions, ApiKey.initProducerId))
}

function versionOf(versions: ApiVersions, apiKey: number): number {
  return versions[apiKey]?.maxVersion ?? 0
}

function checkVersions(versions: ApiVersions): void {
  for (const [apiKey, version] of Object.entries(needed)) {
    if (versionOf(versions, Number(apiKey)) >= version) continue
    throw new ConfigError('these brokers are too old for resumable producing', { next: 'Kafka 2.5 or newer' })
  }
}
