import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EtlProcess, type Exit, refuseHopeless } from './etl-process.ts'

/** A process that ended within so many milliseconds is started again more slowly: the environment is broken, or it is. */
const shortLife = 2_000
const restartPause = { usual: 100, afterShortLife: 1_000 } as const
/** Milliseconds that a consumer has to finish its transactions and leave its group. */
const stopPatience = 60_000

export interface ConsumerOptions {
  /** `sink/number`. */
  readonly name: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly logs: string
}

/** One consumer process that is started again whenever it ends, as a supervisor would. */
export class Consumer {
  readonly name: string
  readonly log: string
  /** How often it ended, by exit code or signal. */
  readonly exits = new Map<string, number>()
  readonly #options: ConsumerOptions
  #process: EtlProcess | undefined
  #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.name = options.name
    this.log = join(options.logs, `consumer-${options.name.replace('/', '-')}.log`)
    this.#options = options
  }

  /** `onError` hears why it cannot be started at all. */
  start(onError: (error: unknown) => void): void {
    this.#running = this.#keepRunning().catch(onError)
  }

  /** The process that runs now; undefined between two. */
  get process(): EtlProcess | undefined {
    return this.#process?.alive ? this.#process : undefined
  }

  /** Ends it in order, and for good. Gives its last exit. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#process?.signal('SIGCONT')
    this.#process?.signal('SIGTERM')
    const late = setTimeout(() => this.#process?.signal('SIGKILL'), stopPatience)
    await this.#running
    clearTimeout(late)
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#stopping.abort()
    this.#process?.signal('SIGKILL')
    await this.#running
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const { args, env, cwd } = this.#options
      const process = await EtlProcess.start({ args, env, cwd, log: this.log })
      this.#process = process
      if (signal.aborted) process.signal('SIGTERM')
      const exit = await process.exited
      this.#note(exit)
      await refuseHopeless(exit, `consumer ${this.name}`, this.log)
      const brief = performance.now() - process.startedAt < shortLife
      const pause = brief ? restartPause.afterShortLife : restartPause.usual
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  #note({ code, signal }: Exit): void {
    const how = signal ?? String(code)
    this.exits.set(how, (this.exits.get(how) ?? 0) + 1)
  }
}
