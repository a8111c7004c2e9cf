import { randomBytes } from 'node:crypto'
import { Kafka, logLevel, type Transaction } from 'kafkajs'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { defaultLimits } from '../../../src/kafka/fetch/log-slice.ts'
import { LogReader } from '../../../src/kafka/log-reader.ts'
import { openAdmin } from '../../../src/kafka/open.ts'
import type { OutRecord } from '../../../src/kafka/producer.ts'
import type { KafkaRecord } from '../../../src/kafka/types.ts'
import { servers } from '../servers.ts'

export const config: KafkaConfig = { brokers: servers().kafka, clientId: 'kafka-test' }

/** What fixtures need of a test: node:test's context, or anything that cleans up and takes notes like it. */
export interface Scope {
  after(clean: () => unknown): void
  diagnostic(message: string): void
}

/** A topic of its own, deleted after the test. */
export async function temporaryTopic(
  t: Scope,
  partitions = 1,
  settings: Readonly<Record<string, string>> = {},
  cluster = config,
): Promise<string> {
  const name = `kafka_test_${randomBytes(6).toString('hex')}`
  const admin = openAdmin(cluster)
  await admin.createTopic({
    name,
    partitions,
    replicationFactor: -1,
    config: new Map(Object.entries(settings)),
  })
  t.after(async () => {
    if (await admin.topic(name)) await admin.deleteTopic(name)
    await admin.close()
  })
  return name
}

export async function endOffset(topic: string, partition = 0, cluster = config): Promise<bigint> {
  const admin = openAdmin(cluster)
  try {
    return (await admin.endOffsets(topic)).get(partition) ?? -1n
  } finally {
    await admin.close()
  }
}

/** Deletes what is before `offset` in partition 0, as retention does. */
export async function deleteRecords(topic: string, offset: bigint, cluster = config): Promise<void> {
  const admin = new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.fetchTopicMetadata({ topics: [topic] }) // or it does not know the leader
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
  } finally {
    await admin.disconnect()
  }
}

export function texts(from: number, count: number): OutRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: null, value: Buffer.from(`v${from + i}`) }))
}

export interface ReadBack {
  readonly records: KafkaRecord[]
  readonly nextOffset: bigint
}

/** Everything in [from, to), checked to be without gap or overlap. */
export async function readBack(
  topic: string,
  range: { partition?: number; from?: bigint; to?: bigint; maxPartitionBytes?: number } = {},
): Promise<ReadBack> {
  const { partition = 0, from = 0n, maxPartitionBytes = 1 << 23 } = range
  const to = range.to ?? (await endOffset(topic, partition))
  const reader = new LogReader(config, { maxPartitionBytes, limits: defaultLimits })
  try {
    const records: KafkaRecord[] = []
    let position = from
    for await (const batch of reader.read({ topic, partition }, from, to)) {
      if (batch.firstOffset !== position) throw new Error(`${batch.firstOffset} follows ${position}`)
      position = batch.nextOffset
      for (const record of batch.records) records.push(record)
    }
    return { records, nextOffset: position }
  } finally {
    await reader.close()
  }
}

export function values(records: readonly KafkaRecord[]): string[] {
  return records.map(({ value }) => String(value))
}

export interface TransactionalMessage {
  readonly key?: Buffer | string
  readonly value: Buffer | string
  /** What `committed` says of it; default: the value. */
  readonly name?: string
}

/** kafkajs' own transactional producers: a writer that shares no code with the reader under test. */
export class TransactionalWriter {
  readonly #topic: string
  readonly #cluster: KafkaConfig
  readonly #kafka: Kafka
  readonly #producers = new Map<string, ReturnType<Kafka['producer']>>()
  readonly #open = new Map<string, { transaction: Transaction; sent: [bigint, string][] }>()
  /** Records and markers written so far. */
  #written = 0
  /** Offset and value of each committed record. */
  readonly committed = new Map<bigint, string>()

  constructor(t: Scope, topic: string, cluster = config) {
    this.#topic = topic
    this.#cluster = cluster
    this.#kafka = new Kafka({
      brokers: [...cluster.brokers],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 10, retries: 50 },
    })
    t.after(() => Promise.all([...this.#producers.values()].map((producer) => producer.disconnect())))
  }

  /** Records of the producer's current transaction, begun when it has none. */
  async send(producer: string, messages: readonly TransactionalMessage[]): Promise<void> {
    let open = this.#open.get(producer)
    if (!open) {
      open = { transaction: await (await this.#producer(producer)).transaction(), sent: [] }
      this.#open.set(producer, open)
    }
    const [answer] = await open.transaction.send({
      topic: this.#topic,
      messages: messages.map(({ name: _, ...message }) => ({ partition: 0, ...message })),
    })
    this.#written += messages.length
    const base = BigInt(answer?.baseOffset ?? '-1')
    for (const [i, { value, name = String(value) }] of messages.entries()) {
      open.sent.push([base + BigInt(i), name])
    }
  }

  async end(producer: string, how: 'commit' | 'abort'): Promise<void> {
    const open = this.#open.get(producer)
    if (!open) return
    this.#open.delete(producer)
    await open.transaction[how]()
    this.#written++
    if (how === 'commit') for (const [offset, value] of open.sent) this.committed.set(offset, value)
  }

  /**
   * The end of the log once every marker is in it: the coordinator answers before it has written them. `others`:
   * records that somebody else wrote.
   */
  async settledEnd(others = 0n): Promise<bigint> {
    for (;;) {
      const end = await endOffset(this.#topic, 0, this.#cluster)
      if (end === BigInt(this.#written) + others) return end
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  get openProducers(): string[] {
    return [...this.#open.keys()]
  }

  /** Values of the committed records from `offset` on, in offset order. */
  committedFrom(offset: bigint): string[] {
    return [...this.committed]
      .filter(([at]) => at >= offset)
      .sort(([a], [b]) => Number(a - b))
      .map(([, value]) => value)
  }

  async #producer(name: string) {
    let producer = this.#producers.get(name)
    if (!producer) {
      producer = this.#kafka.producer({
        transactionalId: `${this.#topic}-${name}`,
        maxInFlightRequests: 1,
        idempotent: true,
        createPartitioner: () => () => 0,
      })
      await producer.connect()
      this.#producers.set(name, producer)
    }
    return producer
  }
}
