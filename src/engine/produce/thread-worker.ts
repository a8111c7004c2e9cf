import type { Worker } from 'node:worker_threads'
import { UnexpectedError } from '../../errors.ts'
import type { TransactionIdentity } from '../../kafka/transactions.ts'
import { spawnWorker } from '../../threads.ts'
import { WorkerError } from '../thread-error.ts'
import type { ProduceWorker } from './coordinator.ts'
import type { Answer, Call, ProduceJob } from './job.ts'
import { buffersOf } from './pack.ts'
import type { Appended, Encoded, Pack, Work } from './work.ts'

interface Waiting {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** MB. Records live for a moment only. Measured with 2 threads and 1.5M records: the default is 9-19 % faster and takes up to 90 MB more. */
const youngGeneration = 12

type CallBody = Call extends infer C ? (C extends Call ? Omit<C, 'call'> : never) : never

/** A worker thread of `etl produce` as the coordinator sees it: each call is a message, each answer settles its promise. */
export class ThreadWorker implements ProduceWorker {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #calls = 0
  /** Set when the thread is gone: later calls reject with it. */
  #gone: Error | undefined

  constructor(job: ProduceJob, index: number) {
    this.#worker = spawnWorker('produce', job, {
      name: `produce-${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: youngGeneration },
    })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#fail(new UnexpectedError(`worker thread ${index} ended with code ${code}`))
        resolve()
      })
    })
  }

  async encode(work: Work): Promise<Encoded> {
    const buffers = work.kind === 'chunk' ? [work.chunk.bytes.buffer, work.chunk.bounds.buffer] : []
    const answer = await this.#call({ type: 'encode', work }, buffers)
    if (answer.type !== 'encoded') throw new UnexpectedError(`a thread answered ${answer.type} to encode`)
    return answer.encoded
  }

  async append(packs: readonly Pack[], identity?: TransactionIdentity): Promise<readonly Appended[]> {
    const answer = await this.#call({ type: 'append', packs, identity }, buffersOf(packs))
    if (answer.type !== 'appended') throw new UnexpectedError(`a thread answered ${answer.type} to append`)
    return answer.appended
  }

  /** Closes the producer and ends the thread. Calls that are under way are waited for. */
  async close(): Promise<void> {
    if (!this.#gone) await this.#call({ type: 'close' }, [])
    await this.#exited
  }

  /** Ends the thread at once. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #call(body: CallBody, transfer: ArrayBuffer[]): Promise<Answer> {
    if (this.#gone) return Promise.reject(this.#gone)
    const call = this.#calls++
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      this.#worker.postMessage({ ...body, call } as Call, transfer)
    })
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.call)
    this.#waiting.delete(answer.call)
    if (answer.type === 'failed') waiting?.reject(new WorkerError(answer.error))
    else waiting?.resolve(answer)
  }

  #fail(error: Error): void {
    this.#gone ??= error
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(this.#gone)
  }
}
