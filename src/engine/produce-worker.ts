import { parentPort } from 'node:worker_threads'
import type { TransactionalProducer } from '../kafka/producer.ts'
import type { TransactionIdentity } from '../kafka/transactions.ts'
import { generateValues } from '../source/generate/generate.ts'
import type { Answer, Call, ProduceJob } from './produce/job.ts'
import { buffersOf, unpack } from './produce/pack.ts'
import { PieceEncoder } from './produce/piece-encoder.ts'
import { recordOf } from './produce/target.ts'
import type { Appended, Pack } from './produce/work.ts'
import { toThreadError } from './thread-error.ts'

/** The worker thread's side of `etl produce`: encodes pieces, and appends to the partitions that it owns with a producer of its own. */
export async function start(job: ProduceJob): Promise<void> {
  const port = parentPort
  if (!port) throw new Error('the produce worker runs in a worker thread only')
  const worker = new ProduceThread(job, await producerFor(job))
  // Calls made until now wait in the port.
  port.on('message', async (call: Call) => {
    try {
      const answer = await worker.answer(call)
      port.postMessage(answer, answer.type === 'encoded' ? buffersOf(answer.encoded.packs) : [])
    } catch (error) {
      port.postMessage({ type: 'failed', call: call.call, error: toThreadError(error) } satisfies Answer)
    }
    if (call.type === 'close') port.close()
  })
}

class ProduceThread {
  readonly #job: ProduceJob
  #encoder: PieceEncoder | undefined
  readonly #producer: TransactionalProducer | undefined
  #identity: TransactionIdentity | undefined

  constructor(job: ProduceJob, producer: TransactionalProducer | undefined) {
    this.#job = job
    this.#producer = producer
  }

  async answer(message: Call): Promise<Answer> {
    const { call } = message
    switch (message.type) {
      case 'encode':
        this.#encoder ??= openEncoder(this.#job)
        return { type: 'encoded', call, encoded: this.#encoder.encode(message.work) }
      case 'append':
        return { type: 'appended', call, appended: await this.#append(message.packs, message.identity) }
      case 'close':
        await this.#producer?.close()
        return { type: 'closed', call }
    }
  }

  /** The sends are made before the first await: two calls keep their order. */
  async #append(packs: readonly Pack[], identity: TransactionIdentity | undefined): Promise<Appended[]> {
    const producer = this.#producer
    if (!producer) throw new Error('a dry run appends nothing')
    if (identity && identity.transactionalId !== this.#identity?.transactionalId) producer.use(identity)
    this.#identity = identity
    return Promise.all(
      packs.map(async (pack) => {
        const { partition } = pack
        const sent = await producer.send(this.#job.topic, partition, unpack(pack))
        const { records, bytes, baseOffset: firstOffset, lastOffset } = sent
        return { partition, records, bytes, firstOffset, lastOffset }
      }),
    )
  }
}

/** A dry run loads no client. */
async function producerFor(job: ProduceJob): Promise<TransactionalProducer | undefined> {
  const { kafka, compression, deliveryTimeout } = job
  if (!kafka) return undefined
  const { openTransactionalProducer } = await import('../kafka/open.ts')
  return openTransactionalProducer(kafka, { clientId: kafka.clientId, compression, deliveryTimeout })
}

function openEncoder(job: ProduceJob): PieceEncoder {
  const schema = recordOf(job.value)
  const key = job.key.schema
  return new PieceEncoder({
    schema,
    schemaId: job.value.id,
    partitions: job.partitions,
    key: {
      fields: job.key.fields,
      format: job.key.format,
      schema: key && recordOf(key),
      schemaId: key?.id,
    },
    onBad: job.onBad,
    unknownFields: job.unknownFields,
    generate: job.generate && generateValues(schema, job.generate.seed, { unique: job.generate.unique }),
  })
}
