import { parentPort } from 'node:worker_threads'
import type { Producer } from '../kafka/producer.ts'
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
  readonly #producer: Producer | undefined

  constructor(job: ProduceJob, producer: Producer | undefined) {
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
        return { type: 'appended', call, appended: await this.#append(message.packs) }
      case 'close':
        await this.#producer?.close()
        return { type: 'closed', call }
    }
  }

  /** The sends are made before the first await: two calls keep their order. */
  async #append(packs: readonly Pack[]): Promise<Appended[]> {
    const producer = this.#producer
    if (!producer) throw new Error('a dry run appends nothing')
    return Promise.all(
      packs.map(async (pack) => {
        const { records, bytes, baseOffset } = await producer.send(
          this.#job.topic,
          pack.partition,
          unpack(pack),
        )
        return {
          partition: pack.partition,
          records,
          bytes,
          firstOffset: baseOffset,
          lastOffset: baseOffset + BigInt(records) - 1n,
        }
      }),
    )
  }
}

/** A dry run loads no client. */
async function producerFor({ kafka, compression }: ProduceJob): Promise<Producer | undefined> {
  if (!kafka) return undefined
  const { openProducer } = await import('../kafka/open.ts')
  return openProducer(kafka, { clientId: kafka.clientId, compression })
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
