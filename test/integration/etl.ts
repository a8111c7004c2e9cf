import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export interface Output {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly input?: string
  /** Leaves its stdin open for the test to write to, instead of `input`. */
  readonly keepOpen?: boolean
}

export interface Started {
  readonly child: ChildProcess
  readonly output: Promise<Output>
}

/** Starts the command line from the sources, as a process of its own. */
export function startEtl(args: readonly string[], options: RunOptions = {}): Started {
  const env = { ...process.env, NO_COLOR: '1', ...options.env }
  const child = spawn(process.execPath, [join(root, 'bin', 'dev.ts'), ...args], {
    cwd: options.cwd ?? root,
    env: env as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  if (!options.keepOpen) child.stdin.end(options.input ?? '')
  const output = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as Output)
  return { child, output }
}

export function etl(args: readonly string[], options: RunOptions = {}): Promise<Output> {
  return startEtl(args, options).output
}

/** Runs a command that must succeed, and gives its `--json` document. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at documents of many commands
export async function etlJson(args: readonly string[], options: RunOptions = {}): Promise<any> {
  const { code, stdout, stderr } = await etl([...args, '--json'], options)
  if (code !== 0) throw new Error(`etl ${args.join(' ')} exited with ${code}\n${stdout}\n${stderr}`)
  return JSON.parse(stdout)
}
