import { dirname, extname, join } from 'node:path'
import { getAsset, isSea } from 'node:sea'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** Name under which the build stores the worker's bundle in the single binary. */
export const WORKER_ASSET = 'worker.cjs'

/** What src/worker.ts finds in `workerData`: whom to become, and the data for it. */
export interface WorkerStart {
  readonly role: string
  readonly data: unknown
}

export type SpawnOptions = Pick<WorkerOptions, 'name' | 'resourceLimits' | 'transferList'>

const running = new Set<Worker>()

/** The worker threads of this process that have not ended, oldest first. `etl chaos` ends one of them. */
export function runningWorkers(): readonly Worker[] {
  return [...running]
}

/**
 * Starts a worker thread in `role`, one of the table in src/worker.ts; the role's `start(data)` gets
 * a structured clone of `data`. The three ways of running differ only in where its code comes from:
 * `src/worker.ts` beside this file, `dist/worker.cjs` beside the npm package's bundle (the build
 * replaces `import.meta.filename` by `__filename`), or an asset inside the single binary.
 */
export function spawnWorker(role: string, data: unknown, options: SpawnOptions = {}): Worker {
  const worker = newWorker({ role, data }, options)
  running.add(worker)
  worker.once('exit', () => running.delete(worker))
  return worker
}

function newWorker(workerData: WorkerStart, spawnOptions: SpawnOptions): Worker {
  const options: WorkerOptions = { ...spawnOptions, ...withoutEnvironment(), workerData }
  if (isSea()) return new Worker(getAsset(WORKER_ASSET, 'utf8'), { ...options, eval: true })
  const here = import.meta.filename
  return new Worker(join(dirname(here), `worker${extname(here)}`), options)
}

/**
 * A diagnostic report of the process has a part for each thread, and in it the environment with its passwords unless the thread itself leaves it
 * out. Flags of V8 cannot be handed on to a thread by name: then src/worker.ts says it a moment later.
 */
function withoutEnvironment(): WorkerOptions {
  return process.execArgv.length === 0 ? { execArgv: ['--report-exclude-env'] } : {}
}
