import { createRequire } from 'node:module'
import type { Batch, Consumer, ConsumerGroupJoinEvent, Kafka as KafkaClass } from 'kafkajs'
import type { KafkaConfig } from '../../src/kafka/config.ts'
import type { GroupReaderOptions, Reader } from '../../src/kafka/reader.ts'
import { type KafkaRecord, type RecordBatch, type TopicPartition, tpName } from '../../src/kafka/types.ts'

type OnAssign = Parameters<Reader['onAssign']>[0]
type OnRevoke = Parameters<Reader['onRevoke']>[0]

/**
 * kafkajs 2.2.4 as it is published, as a Reader: offsets by pause, seek and resume at each GROUP_JOIN, the way that keeps them out of
 * Kafka. It adds nothing that kafkajs lacks (heartbeats, checks, an awaited revocation), but also takes nothing from it: a fetch in
 * which everything was filtered still moves the position.
 */
export class StockKafkajsReader implements Reader {
  readonly #consumer: Consumer
  readonly #topics: readonly string[]
  readonly #queue = new HandOver()
  /** Next offset of each partition that is read. */
  #positions = new Map<string, bigint>()
  #assigned: TopicPartition[] = []
  readonly #dropped = new Set<string>()
  #assigning = new AbortController()
  #joined = false
  #running: Promise<void> | undefined
  #onAssign: OnAssign = async () => new Map()
  #onRevoke: OnRevoke = async () => {}

  constructor(cluster: KafkaConfig, options: GroupReaderOptions) {
    const { Kafka, logLevel } = unpatchedKafkajs()
    const kafka = new Kafka({
      brokers: [...cluster.brokers],
      clientId: options.clientId,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 20 },
    })
    const sessionTimeout = options.sessionTimeout ?? 30_000
    this.#topics = options.topics
    this.#consumer = kafka.consumer({
      groupId: options.group,
      sessionTimeout,
      heartbeatInterval: Math.min(sessionTimeout / 10, 3_000),
      rebalanceTimeout: options.rebalanceTimeout ?? 60_000,
      maxBytesPerPartition: options.maxPartitionBytes ?? 1 << 20,
      maxBytes: options.maxBytes ?? 8 << 20,
      maxWaitTimeInMs: options.maxWait ?? 250,
      metadataMaxAge: options.metadataInterval ?? 30_000,
    })
  }

  onAssign(f: OnAssign): void {
    this.#onAssign = f
  }

  onRevoke(f: OnRevoke): void {
    this.#onRevoke = f
  }

  /** kafkajs has no notion of it: what it cannot read it retries, jumps over, or crashes on. */
  onPartitionError(): void {}

  batches(): AsyncIterable<RecordBatch> {
    this.#running ??= this.#run().catch((error) => this.#queue.fail(error))
    return this.#queue.take()
  }

  pause(tps: TopicPartition[]): void {
    this.#consumer.pause(tps.map(byTopic))
  }

  resume(tps: TopicPartition[]): void {
    this.#consumer.resume(tps.map(byTopic))
  }

  drop(tp: TopicPartition): void {
    this.#dropped.add(tpName(tp))
    this.#positions.delete(tpName(tp))
    this.pause([tp])
  }

  async mirrorOffsets(offsets: ReadonlyMap<TopicPartition, bigint>): Promise<boolean> {
    if (!this.#joined) return false
    const list = [...offsets].map(([tp, offset]) => ({ ...tp, offset: String(offset) }))
    return this.#consumer.commitOffsets(list).then(
      () => true,
      () => false,
    )
  }

  async close(): Promise<void> {
    this.#assigning.abort()
    this.#queue.end()
    await this.#consumer.disconnect()
  }

  async #run(): Promise<void> {
    const { events } = this.#consumer
    this.#consumer.on(events.GROUP_JOIN, (event) => void this.#groupJoined(event))
    this.#consumer.on(events.REBALANCING, () => void this.#revoke())
    this.#consumer.on(events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#queue.fail(payload.error)
    })
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      const { topic, partition, batchSize, lastOffset, highWatermark } = payload
      if (batchSize > 0) return
      const tp = { topic, partition }
      void this.#deliver(tp, [], { lastOffset, highWatermark })
    })
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        if (!isStale())
          await this.#deliver(batch, recordsOf(batch), { ...batch, lastOffset: batch.lastOffset() })
      },
    })
  }

  async #groupJoined({ payload }: ConsumerGroupJoinEvent): Promise<void> {
    const tps = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    this.pause(tps)
    this.#positions = new Map()
    this.#assigning.abort()
    const assigning = new AbortController()
    this.#assigning = assigning
    await this.#revoke()
    this.#assigned = tps
    this.#joined = true
    if (tps.length === 0) return
    try {
      this.#dropped.clear()
      const found = await this.#onAssign(tps, assigning.signal)
      if (assigning.signal.aborted) return
      const positions = new Map([...found].filter(([tp]) => !this.#dropped.has(tpName(tp))))
      for (const [tp, offset] of positions) {
        this.#consumer.seek({ ...tp, offset: String(offset) })
        this.#positions.set(tpName(tp), offset)
      }
      this.resume([...positions.keys()])
    } catch (error) {
      if (!(assigning.signal.aborted && (error as Error).name === 'AbortError')) this.#queue.fail(error)
    }
  }

  /** kafkajs does not wait for it: it is called when the rebalance is noticed. */
  async #revoke(): Promise<void> {
    const revoked = this.#assigned
    this.#assigned = []
    if (revoked.length > 0) await this.#onRevoke(revoked)
  }

  async #deliver(
    { topic, partition }: TopicPartition,
    records: readonly KafkaRecord[],
    { lastOffset, highWatermark }: { lastOffset: string; highWatermark: string },
  ): Promise<void> {
    const firstOffset = this.#positions.get(tpName({ topic, partition }))
    const nextOffset = BigInt(lastOffset) + 1n
    if (firstOffset === undefined || (records.length === 0 && nextOffset <= firstOffset)) return
    this.#positions.set(tpName({ topic, partition }), nextOffset)
    const batch = { topic, partition, firstOffset, nextOffset, records, bytes: 0 }
    await this.#queue.put({ ...batch, highWatermark: BigInt(highWatermark) })
  }
}

/** One batch at a time: put() resolves when the consumer asks for what comes after it. */
class HandOver {
  readonly #waiting: { batch: RecordBatch; done: () => void }[] = []
  #wake: () => void = () => {}
  /** Lets the put() go on whose batch was given out last. */
  #release: () => void = () => {}
  #ended = false
  #failure: unknown

  put(batch: RecordBatch): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((done) => {
      this.#waiting.push({ batch, done })
      this.#wake()
    })
  }

  async *take(): AsyncGenerator<RecordBatch> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) return
      const next = this.#waiting.shift()
      if (next) {
        this.#release = next.done
        yield next.batch
        next.done()
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  fail(error: unknown): void {
    this.#failure ??= error
    this.#releaseAll()
  }

  end(): void {
    this.#ended = true
    this.#releaseAll()
  }

  #releaseAll(): void {
    this.#release()
    for (const { done } of this.#waiting.splice(0)) done()
    this.#wake()
  }
}

function recordsOf(batch: Batch): KafkaRecord[] {
  return batch.messages.map(({ offset, timestamp, key, value, headers = {} }) => ({
    offset: BigInt(offset),
    timestamp: BigInt(timestamp),
    key,
    value,
    headers: Object.entries(headers).flatMap(([name, content]) =>
      [content ?? null].flat().map((one) => [name, one === null ? null : Buffer.from(one)] as const),
    ),
  }))
}

function byTopic({ topic, partition }: TopicPartition): { topic: string; partitions: number[] } {
  return { topic, partitions: [partition] }
}

interface Kafkajs {
  Kafka: typeof KafkaClass
  logLevel: { NOTHING: number }
}
let stock: Kafkajs | undefined

/** A second copy of the package: src/kafka/kafkajs replaces a method in the first one. */
function unpatchedKafkajs(): Kafkajs {
  if (stock) return stock
  const require = createRequire(import.meta.url)
  const kept = Object.entries(require.cache).filter(([file]) => file.includes('/node_modules/kafkajs/'))
  for (const [file] of kept) delete require.cache[file]
  stock = require('kafkajs') as Kafkajs
  for (const [file, module] of kept) require.cache[file] = module
  return stock
}
