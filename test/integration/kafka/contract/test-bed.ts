import assert from 'node:assert/strict'
import type { KafkaAdmin } from '../../../../src/kafka/admin.ts'
import type { KafkaConfig } from '../../../../src/kafka/config.ts'
import { openAdmin, openProducer } from '../../../../src/kafka/open.ts'
import type { Compression, OutRecord } from '../../../../src/kafka/producer.ts'
import type { GroupReaderOptions, Reader } from '../../../../src/kafka/reader.ts'
import {
  type KafkaRecord,
  type RecordBatch,
  type TopicPartition,
  tpName,
} from '../../../../src/kafka/types.ts'
import { endOffset, type Scope, TransactionalWriter, temporaryTopic } from '../fixture.ts'
import { fill, Member, type Positions } from '../member.ts'
import type { Range, Subject } from './subject.ts'

/** One promise of the port, tried on one subject. */
export type Cases = Readonly<Record<string, (bed: TestBed) => Promise<void>>>

type MemberOptions = Omit<GroupReaderOptions, 'clientId'>

/** A cluster, a subject, and what a case needs to try the one on the other. */
export class TestBed implements Scope {
  readonly cluster: KafkaConfig
  readonly subject: Subject
  readonly #t: Scope

  constructor(t: Scope, cluster: KafkaConfig, subject: Subject) {
    this.#t = t
    this.cluster = cluster
    this.subject = subject
  }

  after(clean: () => unknown): void {
    this.#t.after(clean)
  }

  diagnostic(message: string): void {
    this.#t.diagnostic(message)
  }

  topic(partitions = 1, settings: Readonly<Record<string, string>> = {}): Promise<string> {
    return temporaryTopic(this.#t, partitions, settings, this.cluster)
  }

  endOffset(topic: string): Promise<bigint> {
    return endOffset(topic, 0, this.cluster)
  }

  admin(): KafkaAdmin {
    const admin = openAdmin(this.cluster)
    this.after(() => admin.close())
    return admin
  }

  /** Deletes the topic and makes it again, with other records in it. */
  async makeAnew(topic: string, values: number): Promise<void> {
    const admin = this.admin()
    await admin.deleteTopic(topic)
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor: -1, config: new Map() })
    await this.fill(topic, 1, values, 500)
  }

  /** Batches of 100 records into each partition; returns the values, sorted. */
  fill(topic: string, partitions: number, perPartition: number, from = 0): Promise<string[]> {
    return fill(topic, partitions, perPartition, from, this.cluster)
  }

  /** Writes with our producer to partition 0. */
  async produce(
    topic: string,
    records: readonly OutRecord[],
    compression: Compression = 'none',
  ): Promise<void> {
    const producer = openProducer(this.cluster, { clientId: 'test', compression })
    await producer.send(topic, 0, records)
    await producer.close()
  }

  writer(topic: string): TransactionalWriter {
    return new TransactionalWriter(this.#t, topic, this.cluster)
  }

  /** A member of a group by itself; the case says when it is read. */
  open(options: MemberOptions, cluster = this.cluster): Reader {
    assert(this.subject.open, `${this.subject.name} knows no groups`)
    const reader = this.subject.open(cluster, { clientId: 'test', sessionTimeout: 6_000, ...options })
    this.after(() => reader.close())
    return reader
  }

  /** A member that reads into `positions`. */
  member(
    positions: Positions,
    options: MemberOptions,
    more: { cluster?: KafkaConfig; start?: (tp: TopicPartition) => bigint } = {},
  ): Member {
    return new Member(this.#t, this.open(options, more.cluster), positions, more.start)
  }

  /** Batches of partition 0 from `from` to the log's end, each checked to follow the one before it. */
  async *batches(
    topic: string,
    range: Partial<Range> & { cluster?: KafkaConfig } = {},
  ): AsyncGenerator<RecordBatch> {
    const { from = 0n, maxPartitionBytes = 1 << 20, cluster = this.cluster } = range
    const to = range.to ?? (await this.endOffset(topic))
    const tp = { topic, partition: 0 }
    let position = from
    for await (const batch of this.subject.read(cluster, tp, { from, to, maxPartitionBytes })) {
      assert.equal(batch.firstOffset, position, `${tpName(tp)}: no gap, no overlap`)
      position = batch.nextOffset
      yield batch
    }
    assert(position >= to, `reading ended at ${position}, before ${to}`)
  }

  async read(topic: string, range: Parameters<TestBed['batches']>[1] = {}): Promise<KafkaRecord[]> {
    const records: KafkaRecord[] = []
    for await (const batch of this.batches(topic, range)) records.push(...batch.records)
    return records
  }
}
