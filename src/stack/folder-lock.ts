import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../errors.ts'
import { isRunning, type ProcessId, processStartTime } from './service-process.ts'

/**
 * Runs `work` while this process alone holds `file`; waits for another one that does, and calls `onWait` once
 * when it has to. A lock whose process is gone is taken over.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait: (holder: ProcessId) => void,
  maxWaitMs = 30 * 60_000,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  const deadline = performance.now() + maxWaitMs
  for (let waited = false; !(await take(file)); waited = true) {
    const holder = await holderOf(file)
    if (holder === undefined || !(await isRunning(holder))) {
      await removeStale(file, holder)
      continue
    }
    if (!waited) onWait(holder)
    if (performance.now() > deadline) {
      throw new UnreachableError(`process ${holder.pid} does not release its lock`, { where: file })
    }
    await sleep(200)
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

async function take(file: string): Promise<boolean> {
  const startTime = await processStartTime(process.pid)
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(JSON.stringify({ pid: process.pid, startTime }))
    await handle.close()
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}

/** Looks once more right before it removes: meanwhile another waiter may have taken the lock over. */
async function removeStale(file: string, holder: ProcessId | undefined): Promise<void> {
  const now = await holderOf(file)
  if (now?.pid === holder?.pid && now?.startTime === holder?.startTime) await rm(file, { force: true })
}

/** Who holds the lock; undefined when it was released meanwhile or its holder died before it wrote its name. */
async function holderOf(file: string): Promise<ProcessId | undefined> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as ProcessId
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      if (!(err instanceof SyntaxError)) throw err
      await sleep(20)
    }
  }
  return undefined
}
