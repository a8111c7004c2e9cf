import { ConfigError, UnreachableError } from '../../errors.ts'
import { ProducerLostError } from '../../kafka/errors.ts'
import type { OutRecord, Producer } from '../../kafka/producer.ts'
import { type RecordHeader, type TopicPartition, tpName } from '../../kafka/types.ts'
import type { DeadLetter } from '../../sink/sink.ts'

/** The topic of the dead letters does not take a copy now. The batch's transaction is rolled back and tried again. */
export class DeadLetterTopicError extends UnreachableError {
  override readonly code = 'dlq_topic_unreachable'
}

export interface TopicOfLetters {
  readonly name: string
  readonly partitions: number
}

/** Milliseconds; shorter than the database lets a transaction idle. */
const patience = 8_000

/**
 * Copies dead letters to a topic: key, value and headers as they were, with headers that say where they come from and why. `publish`
 * resolves when every copy is acknowledged; it is called before the letters are committed, so a copy is never missing. What was sent once
 * is not sent again when its transaction is repeated here; after a crash or by another owner it is: topic, partition, offset and
 * group in the headers tell copies apart.
 */
export class DeadLetterPublisher {
  readonly #topic: TopicOfLetters
  readonly #group: string
  readonly #open: () => Producer
  #producer: Producer | undefined
  /** The last batch of each partition. */
  readonly #sent = new Map<number, Sent>()

  constructor(topic: TopicOfLetters, group: string, open: () => Producer) {
    this.#topic = topic
    this.#group = group
    this.#open = open
  }

  /** Rejects with DeadLetterTopicError when another attempt may succeed, else with ConfigError. */
  async publish(tp: TopicPartition, letters: readonly DeadLetter[]): Promise<void> {
    try {
      await soon(this.#send(tp, letters))
    } catch (error) {
      throw await this.#explain(error, tp)
    }
  }

  async close(): Promise<void> {
    await this.#producer?.close()
  }

  #send(tp: TopicPartition, letters: readonly DeadLetter[]): Promise<unknown> {
    const offsets = letters.map(({ record }) => record.offset).join()
    const before = this.#sent.get(tp.partition)
    if (before?.offsets === offsets) return before.acknowledged
    this.#producer ??= this.#open()
    // Copies of one partition keep their order.
    const acknowledged = this.#producer.send(
      this.#topic.name,
      tp.partition % this.#topic.partitions,
      letters.map((letter) => copyOf(tp, this.#group, letter)),
    )
    this.#sent.set(tp.partition, { offsets, acknowledged, by: this.#producer })
    // Who waited may have given up: then the next call of `publish` meets the rejection.
    acknowledged.catch(() => undefined)
    return acknowledged
  }

  async #explain(error: unknown, tp: TopicPartition): Promise<unknown> {
    const details = { where: `${tpName(tp)} → topic ${this.#topic.name}`, cause: error }
    const mayPass = error instanceof UnreachableError || error instanceof ProducerLostError
    const sent = this.#sent.get(tp.partition)
    if (sent && !(error instanceof StillSending)) {
      this.#sent.delete(tp.partition)
      // A producer that gave up stays so. Another partition may have met that before, and opened the next.
      if (mayPass && sent.by === this.#producer) this.#producer = undefined
      if (mayPass) await sent.by.close()
    }
    if (mayPass)
      return new DeadLetterTopicError('dead letters were not copied to their topic', {
        ...details,
        next: 'nothing was committed; it is tried again',
      })
    if (!(error instanceof Error)) return error
    return new ConfigError('the topic of the dead letters refuses them', {
      ...details,
      next: `raise max.message.bytes of ${this.#topic.name}, or run without --dlq-topic`,
    })
  }
}

interface Sent {
  readonly offsets: string
  readonly acknowledged: Promise<unknown>
  readonly by: Producer
}

class StillSending extends UnreachableError {
  constructor() {
    super(`Kafka has not acknowledged them within ${patience / 1000} s`)
  }
}

/** An open transaction must not wait for as long as a producer does. */
async function soon<T>(sending: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StillSending()), patience)
  })
  try {
    return await Promise.race([sending, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The record as it was, and where it comes from. */
export function copyOf(tp: TopicPartition, group: string, letter: DeadLetter): OutRecord {
  const { record, schemaId, errorClass, message } = letter
  const facts: Record<string, string> = {
    topic: tp.topic,
    partition: String(tp.partition),
    offset: String(record.offset),
    group,
    'error.class': errorClass,
    'error.message': message.slice(0, 4000),
    ...(schemaId === null ? {} : { 'schema.id': String(schemaId) }),
  }
  const ours = Object.entries(facts).map(
    ([name, value]): RecordHeader => [`etl.dlq.${name}`, Buffer.from(value)],
  )
  return {
    key: record.key,
    value: record.value,
    headers: [...record.headers, ...ours],
    timestamp: record.timestamp,
  }
}
