import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Mutation } from './mutation-list.ts'

/** What a check said of a copy. */
export interface Seen {
  readonly what: string
  readonly failed: boolean
  readonly text: string
  readonly seconds: number
}

/** Seconds after which a partition that stands still counts as a failure of the chaos run. */
const patience = 45

/** A chaos run on the stack that `ETL_STACK_STATE` names. */
export async function runChaos(
  dir: string,
  { faults, only }: Mutation['chaos'],
  signal: AbortSignal,
): Promise<Seen> {
  const args = ['chaos', '--existing', '--sink', 'postgres', '--session-timeout', '3s', '--json']
  const plan = ['--seed', '1', '--faults', String(faults), '--faults-only', only.join(',')]
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [join(dir, 'bin', 'dev.ts'), ...args, ...plan, '--patience', `${patience}s`],
    { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const stop = () => child.kill('SIGINT')
  signal.addEventListener('abort', stop)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  signal.removeEventListener('abort', stop)
  const seconds = (performance.now() - started) / 1000
  return {
    what: 'chaos',
    failed: code !== 0,
    text: code === 0 ? 'ok' : `exit ${code}${why(stdout)}`,
    seconds,
  }
}

/** What is lost, doubled or else, or the error that ended the run. */
function why(stdout: string): string {
  try {
    const { error, sinks } = JSON.parse(stdout)
    if (error !== undefined) return `: ${error.code} ${error.message}`
    const causes = sinks.flatMap(({ audit, offsets }: Record<'audit' | 'offsets', Findings>) =>
      [audit, offsets].flatMap(({ findings, partitions }) =>
        [findings, ...partitions.map((partition) => partition.findings)].flat(),
      ),
    )
    const failed = causes.filter(({ severity }: { severity: string }) => severity !== 'note')
    return `: ${[...new Set(failed.map(({ cause }: { cause: string }) => cause))].join(', ')}`
  } catch {
    return ''
  }
}

interface Finding {
  readonly cause: string
  readonly severity: string
}

interface Findings {
  readonly findings: readonly Finding[]
  readonly partitions: readonly { readonly findings: readonly Finding[] }[]
}

/** A test file, up to its first failure. */
export async function runSuite(dir: string, file: string, signal: AbortSignal): Promise<Seen> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  let text = ''
  let seconds: number | undefined
  let failure: string | undefined
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    const [, name] = /^\s*not ok \d+ - (.*)$/m.exec(text) ?? []
    if (name === undefined || failure !== undefined) return
    failure = name
    seconds = (performance.now() - started) / 1000
    child.kill('SIGTERM')
  })
  await once(child, 'close')
  signal.removeEventListener('abort', stop)
  return {
    what: file.replace(/^test\//, ''),
    failed: failure !== undefined,
    text: failure === undefined ? 'ok' : `"${failure}"`,
    seconds: seconds ?? (performance.now() - started) / 1000,
  }
}
