import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UnreachableError } from '../errors.ts'
import { endOfLog } from './log.ts'
import type { Launch } from './service.ts'
import { type ProcessId, processStartTime } from './service-process.ts'

/** Each start has a log of its own; the one before it is kept as `.1`. A log can hold data: it is for its owner only. */
export async function startLog(log: string): Promise<void> {
  await mkdir(dirname(log), { recursive: true })
  await rename(log, `${log}.1`).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOENT') throw err
  })
  closeSync(openSync(log, 'w', 0o600))
}

/** Starts a process that outlives this one, its output in `log`. */
export async function startDetached(launch: Launch, log: string): Promise<ProcessId> {
  const child = spawnInto(launch, log, { detached: true, input: 'ignore' })
  await spawned(child, launch)
  child.unref()
  const pid = child.pid as number
  return { pid, startTime: (await processStartTime(pid)) ?? 'ended at once' }
}

/** Runs a process to its end, its output in `log`; rejects with the end of the log when it fails. */
export async function runToEnd(launch: Launch, log: string, input?: string): Promise<void> {
  const child = spawnInto(launch, log, { detached: false, input: input === undefined ? 'ignore' : 'pipe' })
  const exited = new Promise<string | undefined>((resolve) => {
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)))
  })
  await spawned(child, launch)
  // A program that ends before it has read all of its input: its exit code tells what happened.
  child.stdin?.on('error', () => child.stdin?.destroy())
  child.stdin?.end(input)
  const failure = await exited
  if (failure === undefined) return
  throw new UnreachableError(`${launch.command} failed: ${failure}`, {
    where: log,
    cause: new Error(`the end of its log:\n${await endOfLog(log)}`),
  })
}

function spawnInto(
  launch: Launch,
  log: string,
  { detached, input }: { detached: boolean; input: 'ignore' | 'pipe' },
): ChildProcess {
  const out = openSync(log, 'a', 0o600)
  try {
    return spawn(launch.command, launch.args, {
      cwd: launch.cwd,
      detached,
      stdio: [input, out, out],
      env: { ...withoutOwn(launch.env ?? process.env), LC_ALL: 'C' },
      ...(launch.account ? { uid: launch.account.uid, gid: launch.account.gid } : {}),
    })
  } finally {
    closeSync(out)
  }
}

/** The environment without etl's own variables: a server that runs for days must not hold passwords meant for us. */
function withoutOwn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ETL_')))
}

async function spawned(child: ChildProcess, { command }: Launch): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new UnreachableError(`${command} cannot be started`, { cause })))
  })
}
