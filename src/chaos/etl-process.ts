import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { ConfigError, ExitCode, UnexpectedError } from '../errors.ts'
import { endOfLog } from '../stack/log.ts'
import { ownProgram } from '../stack/own-program.ts'
import { type ToVictim, victimVariable } from './victim.ts'

/** Exit codes that no new start cures: the command line or the set-up is wrong. */
const hopeless: readonly (number | null)[] = [ExitCode.usage, ExitCode.badConfig]

export interface EtlStart {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** File that stdout and stderr are added to. */
  readonly log: string
}

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Throws ConfigError or UnexpectedError, with what the process said last, for an exit that no new start cures. */
export async function refuseHopeless({ code }: Exit, name: string, log: string): Promise<void> {
  if (!hopeless.includes(code)) return
  const Failure = code === ExitCode.badConfig ? ConfigError : UnexpectedError
  throw new Failure(`${name} ended with exit code ${code}`, {
    where: log,
    cause: new Error(`what it said last:\n${await endOfLog(log)}`),
  })
}

/** One run of this very program as a process of its own, in whichever way this one runs: sources, npm package, single binary. */
export class EtlProcess {
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<Exit>
  readonly startedAt = performance.now()
  readonly #child: ChildProcess
  #ended = false

  private constructor(child: ChildProcess) {
    this.#child = child
    this.exited = once(child, 'exit').then(([code, signal]) => {
      this.#ended = true
      return { code, signal } as Exit
    })
  }

  /** Throws UnexpectedError when the program cannot be started. */
  static async start({ args, env, cwd, log }: EtlStart): Promise<EtlProcess> {
    const output = openSync(log, 'a', 0o600)
    const program = ownProgram(args)
    try {
      const child = spawn(program.command, program.args, {
        cwd,
        env: { ...env, [victimVariable]: '1', NO_COLOR: '1' },
        stdio: ['ignore', output, output, 'ipc'],
        // A group of its own: Ctrl-C is for the run, which ends its processes itself.
        detached: true,
      })
      // A message to a process that has just ended.
      child.on('error', () => undefined)
      const started = new EtlProcess(child)
      await once(child, 'spawn')
      return started
    } catch (cause) {
      throw new UnexpectedError('etl cannot start itself', { where: program.command, cause })
    } finally {
      closeSync(output)
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  get alive(): boolean {
    return !this.#ended
  }

  /** Does nothing to a process that has ended: its number may be another one's by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.#child.kill(signal)
  }

  endThread(thread: number): void {
    if (this.alive && this.#child.connected) this.#child.send({ endThread: thread } satisfies ToVictim)
  }
}
