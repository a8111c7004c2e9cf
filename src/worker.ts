/**
 * The one entry of every worker thread; src/threads.ts starts it. A role is a module that exports
 * `start(data)`; it is imported only in the thread that plays it.
 */
import { workerData } from 'node:worker_threads'
import type { WorkerStart } from './threads.ts'

if (process.report) process.report.excludeEnv = true

interface RoleModule {
  /** Runs in the worker thread; a rejection reaches the parent as the worker's `error` event. */
  start(data: never): Promise<void> | void
}

const roles: Readonly<Record<string, () => Promise<RoleModule>>> = {
  consume: () => import('./engine/consume-worker.ts'),
  produce: () => import('./engine/produce-worker.ts'),
}

async function play({ role, data }: WorkerStart): Promise<void> {
  const load = roles[role]
  if (!load) throw new Error(`no worker role '${role}'; src/worker.ts lists them`)
  const module = await load()
  await module.start(data as never)
}

void play(workerData as WorkerStart)
