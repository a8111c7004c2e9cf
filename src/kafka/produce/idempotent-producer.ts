import { type EtlError, UnreachableError } from '../../errors.ts'
import { deniedByCode } from '../access.ts'
import { backoff } from '../cluster/backoff.ts'
import { Cluster } from '../cluster/cluster.ts'
import { isTransient, toEtlError, unknownTopic, unreachable } from '../cluster/failures.ts'
import type { KafkaConfig } from '../config.ts'
import { RecordsRejectedError } from '../errors.ts'
import type { OutRecord, ProducerOptions, SendResult, TransactionalProducer } from '../producer.ts'
import { ErrorCode, errorName, isLeaderChange, isRetriable } from '../protocol/error-codes.ts'
import { type ProduceResult, produceRequest } from '../protocol/produce.ts'
import type { TransactionIdentity } from '../transactions.ts'
import { tpName } from '../types.ts'
import { type OutBatch, type ProducerIdentity, Ticket } from './out-batch.ts'
import { type BatchLimits, PartitionQueue } from './partition-queue.ts'
import { isFatal, leavesDoubt, producerFailure, refusedInDoubt, undelivered } from './producer-errors.ts'
import { recordTooLarge } from './too-large.ts'

const defaultDeliveryTimeout = 120_000
/** Milliseconds that a leader waits for its followers. */
const ackTimeout = 20_000
const requestBytes = 8 * 1024 * 1024
const requestsPerBroker = 3
const batchRecords = 10_000
const defaultBatchBytes = 900_000
/** Milliseconds that a topic may be unknown to the brokers before records for it are refused. */
const unknownTopicGrace = 5_000

/** Codes that a part of the batch may not deserve: it is tried in halves. */
const divisibleCodes = new Set<number>([
  ErrorCode.messageTooLarge,
  ErrorCode.recordListTooLarge,
  ErrorCode.invalidRecord,
  ErrorCode.invalidTimestamp,
])

/**
 * Sends for one partition wait in its queue while a batch of it is in flight, and go together in the next one; so batches
 * grow with the load and no time is spent waiting for them to fill.
 */
export class IdempotentProducer implements TransactionalProducer {
  readonly #cluster: Cluster
  readonly #limits: BatchLimits
  readonly #deliveryTimeout: number
  readonly #queues = new Map<string, PartitionQueue>()
  /** Requests in flight, by broker. */
  readonly #busy = new Map<number, number>()
  #identity: ProducerIdentity | undefined
  #preparing: Promise<void> | undefined
  #scheduled = false
  #timer: NodeJS.Timeout | undefined
  #failure: EtlError | undefined
  #closing = false
  #idle: (() => void) | undefined

  constructor(config: KafkaConfig, options: ProducerOptions) {
    this.#cluster = new Cluster({ ...config, clientId: options.clientId })
    this.#limits = {
      compression: options.compression ?? 'lz4',
      batchBytes: options.batchBytes ?? defaultBatchBytes,
      batchRecords,
    }
    this.#deliveryTimeout = options.deliveryTimeout ?? defaultDeliveryTimeout
  }

  use(identity: TransactionIdentity): void {
    // Sequence numbers begin at 0 with each producer epoch.
    this.#queues.clear()
    this.#identity = identity
  }

  send(topic: string, partition: number, records: readonly OutRecord[]): Promise<SendResult> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#closing) return Promise.reject(new UnreachableError('the producer was closed'))
    if (records.length === 0)
      return Promise.resolve({ records: 0, bytes: 0, baseOffset: -1n, lastOffset: -1n })
    const name = tpName({ topic, partition })
    let queue = this.#queues.get(name)
    if (!queue) {
      queue = new PartitionQueue({ topic, partition }, this.#limits)
      this.#queues.set(name, queue)
    }
    const ticket = new Ticket(records.length, Date.now() + this.#deliveryTimeout)
    queue.add({ ticket, records, from: 0, to: records.length })
    this.#schedule()
    return ticket.promise
  }

  /** Waits for what was sent, then disconnects. */
  async close(): Promise<void> {
    this.#closing = true
    while (!this.#failure && [...this.#queues.values()].some((queue) => !queue.isEmpty)) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    clearTimeout(this.#timer)
    this.#cluster.close()
  }

  /** After the current calls of send, so that they share a batch. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #scheduleAt(time: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#schedule(), Math.max(time - Date.now(), 1))
  }

  #flush(): void {
    if (this.#failure) return
    const identity = this.#identity
    if (!identity) {
      this.#preparing ??= this.#prepare()
      return
    }
    const now = Date.now()
    let wakeAt = Infinity
    const byLeader = new Map<number, PartitionQueue[]>()
    for (const queue of this.#queues.values()) {
      if (queue.inFlight || queue.isEmpty) continue
      if (queue.retryAt > now) {
        wakeAt = Math.min(wakeAt, queue.retryAt)
        continue
      }
      const leader = this.#cluster.leader(queue.tp)
      if (leader === undefined) {
        void this.#withoutLeader(queue, identity)
        continue
      }
      const group = byLeader.get(leader)
      if (group) group.push(queue)
      else byLeader.set(leader, [queue])
    }
    if (wakeAt < Infinity) this.#scheduleAt(wakeAt)
    for (const [leader, queues] of byLeader) this.#request(leader, queues, identity)
    for (const queue of this.#queues.values()) if (queue.inFlight) queue.prepare(identity)
    if ([...this.#queues.values()].every((queue) => queue.isEmpty)) this.#idle?.()
  }

  async #prepare(): Promise<void> {
    try {
      const answer = await this.#cluster.retry('obtaining a producer id', this.#deliveryTimeout, async () =>
        (await this.#cluster.any()).call((broker) =>
          broker.initProducerId({ transactionalId: null, transactionTimeout: 60_000 }),
        ),
      )
      this.#identity = { producerId: BigInt(answer.producerId), producerEpoch: answer.producerEpoch }
      this.#schedule()
    } catch (error) {
      this.#fail(toEtlError(error, this.#cluster.config, 'obtaining a producer id'))
    }
  }

  /** Starts requests to one leader, each with as many partitions as fit. */
  #request(leader: number, queues: PartitionQueue[], identity: ProducerIdentity): void {
    const waiting = [...queues]
    while (waiting.length > 0 && (this.#busy.get(leader) ?? 0) < requestsPerBroker) {
      const started: { queue: PartitionQueue; batch: OutBatch }[] = []
      for (let bytes = 0; waiting.length > 0 && bytes < requestBytes; ) {
        const queue = waiting.shift() as PartitionQueue
        const batch = queue.start(identity)
        if (!batch) continue
        started.push({ queue, batch })
        bytes += batch.bytes.length
      }
      if (started.length > 0) void this.#send(leader, started, identity)
    }
  }

  async #send(
    leader: number,
    started: readonly { queue: PartitionQueue; batch: OutBatch }[],
    { transactionalId }: ProducerIdentity,
  ): Promise<void> {
    this.#busy.set(leader, (this.#busy.get(leader) ?? 0) + 1)
    try {
      const partitions = started.map(({ queue, batch }) => ({ ...queue.tp, batch: batch.bytes }))
      const results = await this.#cluster
        .node(leader, 'produce')
        .send(() => produceRequest(partitions, ackTimeout, transactionalId))
      const byName = new Map(results.map((result) => [tpName(result), result]))
      for (const { queue, batch } of started) {
        const result = byName.get(tpName(queue.tp))
        if (result) await this.#answered(queue, batch, result)
        else await this.#unanswered(queue, batch, new UnreachableError('the broker gave no answer'))
      }
    } catch (error) {
      // Whether the broker has appended them is unknown: the same bytes again, and it will tell.
      for (const { queue, batch } of started) {
        if (queue.inFlight === batch) await this.#unanswered(queue, batch, error)
      }
    } finally {
      this.#busy.set(leader, (this.#busy.get(leader) ?? 1) - 1)
      this.#schedule()
    }
  }

  async #answered(queue: PartitionQueue, batch: OutBatch, result: ProduceResult): Promise<void> {
    const { errorCode, baseOffset } = result
    const { tp } = queue
    if (this.#failure) return
    if (errorCode === ErrorCode.none || errorCode === ErrorCode.duplicateSequenceNumber) {
      queue.acknowledged(baseOffset)
    } else if (isFatal(errorCode)) {
      this.#fail(producerFailure(errorCode, tpName(tp), this.#identity))
    } else if (divisibleCodes.has(errorCode) && batch.count > 1) {
      queue.split()
    } else if (errorCode === ErrorCode.messageTooLarge || errorCode === ErrorCode.recordListTooLarge) {
      this.#reject(queue, batch, await recordTooLarge(this.#cluster, tp, batch))
    } else if (isRetriable(errorCode)) {
      batch.inDoubt ||= leavesDoubt(errorCode)
      await this.#again(queue, batch, new UnreachableError(errorName(errorCode)), isLeaderChange(errorCode))
    } else {
      const doing = `writing to ${tpName(tp)}`
      this.#reject(
        queue,
        batch,
        deniedByCode(this.#cluster.config, errorCode, { api: 'Produce', name: tp.topic, doing }) ??
          new RecordsRejectedError(`Kafka refused records for ${tpName(tp)}: ${errorName(errorCode)}`, {
            where: tpName(tp),
          }),
      )
    }
  }

  /** The batch was not appended and never will be; what follows it takes its sequence numbers. */
  #reject(queue: PartitionQueue, batch: OutBatch, error: Error): void {
    if (batch.inDoubt) this.#fail(refusedInDoubt(tpName(queue.tp), error))
    else queue.rejected(error)
  }

  async #unanswered(queue: PartitionQueue, batch: OutBatch, error: unknown): Promise<void> {
    batch.inDoubt = true
    await this.#again(queue, batch, error)
  }

  async #again(queue: PartitionQueue, batch: OutBatch, error: unknown, leaderChanged = true): Promise<void> {
    if (this.#failure) return
    if (!isTransient(error)) {
      this.#fail(toEtlError(error, this.#cluster.config, `producing to ${tpName(queue.tp)}`, queue.tp.topic))
      return
    }
    queue.retry()
    queue.retryAt = Date.now() + backoff(queue.failures++)
    if (Date.now() > batch.deadline) {
      this.#fail(
        undelivered(tpName(queue.tp), this.#deliveryTimeout, unreachable(this.#cluster.config, error)),
      )
      return
    }
    if (leaderChanged) await this.#refresh([])
  }

  /** Looks the leader up; meanwhile the queue waits. */
  async #withoutLeader(queue: PartitionQueue, identity: ProducerIdentity): Promise<void> {
    const { tp } = queue
    queue.retryAt = Infinity
    await this.#refresh([tp.topic])
    queue.retryAt = 0
    if (this.#cluster.leader(tp) !== undefined || this.#failure) return this.#schedule()
    queue.retryAt = Date.now() + backoff(queue.failures++)
    const batch = queue.start(identity)
    if (batch) {
      const age = Date.now() - (batch.deadline - this.#deliveryTimeout)
      const topic = this.#cluster.topic(tp.topic)
      if (age > unknownTopicGrace && this.#isUnknown(tp.topic))
        this.#reject(queue, batch, unknownTopic(tp.topic))
      else if (
        age > unknownTopicGrace &&
        topic &&
        !topic.partitions.some((p) => p.partition === tp.partition)
      ) {
        this.#reject(
          queue,
          batch,
          new RecordsRejectedError(`topic ${tp.topic} has no partition ${tp.partition}`, {
            where: tpName(tp),
          }),
        )
      } else if (Date.now() > batch.deadline) {
        this.#fail(
          undelivered(tpName(tp), this.#deliveryTimeout, new UnreachableError(`${tpName(tp)} has no leader`)),
        )
      } else queue.retry()
    }
    this.#schedule()
  }

  #isUnknown(topic: string): boolean {
    return this.#cluster.topicError(topic) === ErrorCode.unknownTopicOrPartition
  }

  async #refresh(topics: string[]): Promise<void> {
    try {
      await this.#cluster.refresh(topics)
    } catch (error) {
      // The next request meets the same failure; only what no repetition cures ends the producer.
      if (!isTransient(error)) this.#fail(toEtlError(error, this.#cluster.config, 'reading the metadata'))
    }
  }

  #fail(error: EtlError): void {
    this.#failure ??= error
    for (const queue of this.#queues.values()) queue.fail(this.#failure)
    this.#idle?.()
  }
}
