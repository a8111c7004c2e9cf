import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnexpectedError } from '../errors.ts'
import { keyField } from './dataset.ts'
import { EtlProcess, refuseHopeless } from './etl-process.ts'

/** Records of one run of `etl produce`. */
export const roundRecords = 2_000
const pause = { betweenRounds: 500, afterFailure: 200 } as const
/** A round that fails so often without a fault of ours being the reason is given up. */
const maxAttempts = 200

export interface ProducerOptions {
  readonly topic: string
  readonly seed: number
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly logs: string
}

/** Records that must be in the log: a round that ended well. */
export interface ProducedTotals {
  readonly rounds: number
  readonly records: number
  /** Processes that were started. */
  readonly processes: number
}

/**
 * Runs `etl produce --generate` round after round, one process at a time. A round whose process ended before its end goes on in
 * another one.
 */
export class Producer {
  readonly log: string
  readonly #options: ProducerOptions
  #process: EtlProcess | undefined
  #killed = false
  #finishing = false
  #finished = false
  #rounds = 0
  #processes = 0
  #wake: () => void = () => undefined
  #running: Promise<void> | undefined
  readonly #onStart = new Set<() => void>()

  constructor(options: ProducerOptions) {
    this.#options = options
    this.log = join(options.logs, 'producer.log')
  }

  /** `onError` hears of a round that cannot be finished. */
  start(onError: (error: unknown) => void): void {
    this.#running = this.#run().catch(onError)
  }

  get totals(): ProducedTotals {
    return { rounds: this.#rounds, records: this.#rounds * roundRecords, processes: this.#processes }
  }

  /** Nothing more will be sent. */
  get finished(): boolean {
    return this.#finished
  }

  get process(): EtlProcess | undefined {
    return this.#process?.alive ? this.#process : undefined
  }

  /** The next process that is started; ends a pause between rounds. */
  async next(): Promise<EtlProcess> {
    await new Promise<void>((resolve) => {
      const started = () => {
        this.#onStart.delete(started)
        resolve()
      }
      this.#onStart.add(started)
      this.#wake()
    })
    return this.#process as EtlProcess
  }

  /** Finishes the round under way, and begins no other. */
  async finish(): Promise<void> {
    this.#finishing = true
    this.#wake()
    await this.#running
    this.#finished = true
  }

  /** Ends at once. */
  async kill(): Promise<void> {
    this.#killed = true
    this.#finishing = true
    this.#wake()
    this.#process?.signal('SIGKILL')
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#finishing) {
      await this.#round(this.#rounds)
      if (this.#finishing) return
      await this.#rest(pause.betweenRounds)
    }
  }

  async #round(round: number): Promise<void> {
    for (let attempt = 1; !this.#killed; attempt++) {
      const { env, cwd } = this.#options
      this.#process = await EtlProcess.start({ args: this.#args(round), env, cwd, log: this.log })
      this.#processes++
      for (const started of this.#onStart) started()
      const exit = await this.#process.exited
      await refuseHopeless(exit, 'the producer', this.log)
      if (exit.code === 0) {
        this.#rounds++
        return
      }
      if (attempt === maxAttempts) {
        throw new UnexpectedError(`round ${round} of the producer did not end well in ${attempt} attempts`, {
          where: this.log,
        })
      }
      await this.#rest(pause.afterFailure)
    }
  }

  #args(round: number): string[] {
    const { topic, seed } = this.#options
    return [
      ...['produce', '--topic', topic, '--generate', String(roundRecords), '--threads', '2', '--resume'],
      ...['--seed', String((seed * 100_003 + round) % 2 ** 31), '--unique', keyField, '--key', keyField],
    ]
  }

  async #rest(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, milliseconds)
    await promise
    clearTimeout(timer)
    this.#wake = () => undefined
    await sleep(0)
  }
}
