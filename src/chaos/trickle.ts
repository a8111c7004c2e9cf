import { setTimeout as sleep } from 'node:timers/promises'
import { FencedError, UnreachableError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import { ProducerLostError } from '../kafka/errors.ts'
import { openTransactionalProducer, openTransactions } from '../kafka/open.ts'
import type { OutRecord, TransactionalProducer } from '../kafka/producer.ts'
import type { TransactionalId, Transactions } from '../kafka/transactions.ts'
import { Random } from '../source/generate/random.ts'
import { encodeEvents } from './dataset.ts'

const pauseBetween = 150
const mostRecords = 12
/** One transaction in so many is aborted on purpose. */
const abortedOneIn = 6
/** Milliseconds for each call; brokers abort what is left open half a minute later. */
const deliveryTimeout = 10_000

export interface TrickleOptions {
  readonly kafka: KafkaConfig
  readonly topic: string
  readonly partitions: number
  readonly seed: number
  /** Id of the registered schema. */
  readonly schemaId: number
}

/** What the trickle knows of its transactions, as numbers of records. */
export interface TrickleTotals {
  /** Keys of records whose commit was acknowledged: must be in the log, each once. */
  readonly committed: ReadonlySet<string>
  /** Keys whose commit was not answered: each once or not at all. */
  readonly unknown: ReadonlySet<string>
  /** Records of transactions that were aborted: must not be seen. */
  readonly aborted: number
}

/**
 * A transactional producer in this process that writes a little all the time, and aborts some of its transactions: the log is never
 * without movement, and is full of markers and aborted records. It goes through the proxies, too.
 */
export class Trickle {
  readonly #options: TrickleOptions
  readonly #transactions: Transactions
  readonly #committed = new Set<string>()
  readonly #unknown = new Set<string>()
  readonly #stopping = new AbortController()
  readonly #encode: (index: number) => Buffer
  #producer: TransactionalProducer
  #closed = false
  #aborted = 0
  #number = 0
  #records = 0
  #running: Promise<void> = Promise.resolve()

  constructor(options: TrickleOptions) {
    this.#options = options
    this.#encode = encodeEvents(options.schemaId, options.seed)
    this.#transactions = openTransactions(options.kafka, { clientId: 'etl-chaos', deliveryTimeout })
    this.#producer = this.#newProducer()
  }

  /** `onError` hears of what is no fault of the environment. */
  start(onError: (error: unknown) => void): void {
    this.#running = this.#run().catch(onError)
  }

  get totals(): TrickleTotals {
    return { committed: this.#committed, unknown: this.#unknown, aborted: this.#aborted }
  }

  /** Ends the transaction under way. Takes the id once more, so that none is left open. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#again(async () => (await this.#take()).abandon())
    await this.kill()
  }

  /** Ends at once. */
  async kill(): Promise<void> {
    this.#closed = true
    this.#stopping.abort()
    this.#transactions.close()
    await this.#producer.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#again(() => this.#transact())
      await sleep(pauseBetween, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Until one of them ends the identity: an abort on purpose, or an error. */
  async #transact(): Promise<void> {
    const { signal } = this.#stopping
    const id = await this.#take()
    const random = new Random(this.#options.seed)
    for (let aborts = false; !aborts && !signal.aborted; ) {
      random.start(this.#number++)
      aborts = random.below(abortedOneIn) === 0
      await this.#one(id, random, aborts)
      await sleep(pauseBetween, undefined, { signal }).catch(() => undefined)
    }
  }

  async #one(id: TransactionalId, random: Random, aborts: boolean): Promise<void> {
    const { topic, partitions } = this.#options
    const batches = new Map<number, OutRecord[]>()
    for (let left = random.between(1, mostRecords); left > 0; left--) {
      const record = this.#next(aborts)
      const partition = random.below(partitions)
      batches.set(partition, [...(batches.get(partition) ?? []), record])
    }
    const keys = [...batches.values()].flat().map(({ key }) => String(key))
    if (aborts) this.#aborted += keys.length
    else for (const key of keys) this.#unknown.add(key)
    await id.include([...batches.keys()])
    await Promise.all(
      [...batches].map(([partition, records]) => this.#producer.send(topic, partition, records)),
    )
    if (aborts) {
      await id.abandon()
      return
    }
    await id.commit()
    for (const key of keys) {
      this.#unknown.delete(key)
      this.#committed.add(key)
    }
  }

  #next(aborts: boolean): OutRecord {
    const number = this.#records++
    return {
      key: Buffer.from(`${aborts ? abortedPrefix : tricklePrefix}${number}`),
      value: this.#encode(number),
    }
  }

  async #take(): Promise<TransactionalId> {
    const id = await this.#transactions.take(`etl-chaos-${this.#options.topic}`, this.#options.topic)
    this.#producer.use(id.identity)
    return id
  }

  /** What a fault breaks is done again, with the id taken anew and another producer. */
  async #again(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isEnvironment(error)) throw error
        await this.#producer.close()
        this.#producer = this.#newProducer()
        if (this.#closed) return
        await sleep(pauseBetween)
      }
    }
  }

  #newProducer(): TransactionalProducer {
    return openTransactionalProducer(this.#options.kafka, { clientId: 'etl-chaos', deliveryTimeout })
  }
}

/** Keys of what the trickle commits, and of what it aborts. */
export const tricklePrefix = 't-'
export const abortedPrefix = 'aborted-'

function isEnvironment(error: unknown): boolean {
  return (
    error instanceof UnreachableError || error instanceof FencedError || error instanceof ProducerLostError
  )
}
