import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** How a command ended, how long it took, and with `--json` what it printed. */
export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly seconds: number
}

export interface Running {
  readonly pid: number | undefined
  readonly ended: Promise<Result>
  kill(signal: NodeJS.Signals): void
}

/** Runs `etl` as a person would, from `cwd`, and shows each command line and what it prints. */
export class Commands {
  private readonly program: string
  private readonly cwd: string
  private readonly children = new Set<ChildProcess>()

  constructor(root: string, cwd: string) {
    this.program = join(root, 'bin', 'dev.ts')
    this.cwd = cwd
  }

  /** Throws when the command does not exit with 0. */
  async must(args: string[]): Promise<Result> {
    const result = await this.run(args)
    if (result.code !== 0) throw new Error(`etl ${args[0]} exited with ${result.code}`)
    return result
  }

  run(args: string[]): Promise<Result> {
    return this.start(args).ended
  }

  start(args: string[]): Running {
    const json = args.includes('--json')
    process.stdout.write(`\n$ etl ${args.filter((a) => a !== '--json').join(' ')}\n`)
    const began = performance.now()
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: this.cwd,
      stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
    })
    this.children.add(child)
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    const ended = once(child, 'close').then(([code]) => {
      this.children.delete(child)
      return { code: code as number | null, stdout, seconds: (performance.now() - began) / 1000 }
    })
    return { pid: child.pid, ended, kill: (signal) => child.kill(signal) }
  }

  async killAll(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL')
    await this.run(['stack', 'down', '--purge'])
  }
}
