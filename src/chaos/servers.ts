import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnexpectedError, UnreachableError, UsageError } from '../errors.ts'
import { stackDown } from '../stack/down.ts'
import { pickPort } from '../stack/ports.ts'
import { isRunning, type ProcessId } from '../stack/service-process.ts'
import { readStackState, type ServiceName, type StackServices } from '../stack/state.ts'
import { stackUp, type UpReporter } from '../stack/up.ts'

/** A killed server's own processes and threads may hold its files and its port for a moment; a start that meets them fails. */
const startAttempts = 20
/** A server is away for seconds in a run: far from the usual ports no other stack takes its port meanwhile. Below the ephemeral ports of Linux. */
const firstPorts = { from: 15_000, to: 30_000 }

/**
 * The servers of a run, each an `etl stack` of its own in a folder below `folder`, so that one can be started while another is starting.
 * They wait for the disk as servers in production do: what a database has committed outlives its kill.
 */
export class OwnServers {
  readonly names: readonly ServiceName[]
  readonly #folder: string
  readonly #reporter: UpReporter

  constructor(folder: string, names: readonly ServiceName[], reporter: UpReporter) {
    this.#folder = folder
    this.names = names
    this.#reporter = reporter
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled(
      this.names.map(async (name) =>
        this.#up(name, this.#reporter, await pickPort(randomInt(firstPorts.from, firstPorts.to), new Set())),
      ),
    )
    const failed = started.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** How one is reached; it must have been started. */
  state<N extends ServiceName>(name: N): NonNullable<StackServices[N]> {
    const state = readStackState(this.#dir(name))?.services[name]
    if (state === undefined) throw new UnexpectedError(`${name} was not started`)
    return state as NonNullable<StackServices[N]>
  }

  /** kill -9; resolves when the process is gone. */
  async kill(name: ServiceName): Promise<void> {
    const id: ProcessId = this.state(name)
    if (!(await isRunning(id))) return
    process.kill(id.pid, 'SIGKILL')
    while (await isRunning(id)) await sleep(10)
  }

  /** Starts it again on the same data and port. */
  async restart(name: ServiceName): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#up(name, silent, this.state(name).port)
      } catch (error) {
        // UsageError: its port is taken.
        const mayPass = error instanceof UnreachableError || error instanceof UsageError
        if (!mayPass || attempt === startAttempts) throw error
        await sleep(300)
      }
    }
  }

  /** Ends all of them and removes their data. Never rejects for one that is gone. */
  async stop(): Promise<void> {
    await Promise.all(
      this.names.map((name) =>
        stackDown({ dir: this.#dir(name), services: [name], purge: true, note: () => undefined }),
      ),
    )
  }

  /** Kills what runs and removes the data, without waiting for anything: this process is about to end. */
  abandon(): void {
    for (const name of this.names) {
      const state = readStackState(this.#dir(name))?.services[name]
      if (state === undefined) continue
      try {
        process.kill(state.pid, 'SIGKILL')
      } catch {
        // It is gone already.
      }
      rmSync(state.data, { recursive: true, force: true })
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #up(name: ServiceName, reporter: UpReporter, port: number): Promise<void> {
    await stackUp({ dir: this.#dir(name), services: [name], ports: { [name]: port }, fast: false, reporter })
  }

  #dir(name: ServiceName): string {
    return join(this.#folder, name)
  }
}

const silent: UpReporter = { note: () => undefined, download: () => undefined, ready: () => undefined }
