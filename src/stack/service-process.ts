import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A process, named for good: the number alone is given to another one some day. */
export interface ProcessId {
  readonly pid: number
  readonly startTime: string
}

/**
 * When process `pid` started, as an opaque string; undefined when there is none (a zombie counts as none).
 * Linux: field 22 of /proc/PID/stat, clock ticks since boot (proc_pid_stat(5)), with the boot's id, since
 * ticks repeat after a reboot. Elsewhere: `ps -o lstart=`.
 */
export async function processStartTime(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? await startTimeFromProc(pid) : await startTimeFromPs(pid)
}

export async function isRunning(id: ProcessId): Promise<boolean> {
  return (await processStartTime(id.pid)) === id.startTime
}

/**
 * Ends the process that `id` names, and no other: `signal` first, SIGKILL after `graceMs`.
 * Resolves when it is gone: to 'gone' when it was not running at all.
 */
export async function endProcess(
  id: ProcessId,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<'ended' | 'killed' | 'gone'> {
  if (!(await isRunning(id))) return 'gone'
  process.kill(id.pid, signal)
  if (await endsWithin(id, graceMs)) return 'ended'
  process.kill(id.pid, 'SIGKILL')
  await endsWithin(id, 10_000)
  return 'killed'
}

async function endsWithin(id: ProcessId, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  while (await isRunning(id)) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}

async function startTimeFromProc(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // Field 2 is the command in parentheses and may hold spaces: count from behind it, where field 3 is.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[0]
    const ticks = fields[19]
    return state === 'Z' || ticks === undefined ? undefined : `${boot.trim()}/${ticks}`
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw err
  }
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=,stat=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    const line = stdout.trim()
    const at = line.lastIndexOf(' ')
    return line === '' || line.slice(at + 1).startsWith('Z') ? undefined : line.slice(0, at).trim()
  } catch (err) {
    // ps exits 1 when it finds no such process.
    if ((err as { code?: unknown }).code === 1) return undefined
    throw err
  }
}
