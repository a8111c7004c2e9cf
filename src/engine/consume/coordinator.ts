import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { UnexpectedError, UnreachableError } from '../../errors.ts'
import type { Sink, StoredOffset } from '../../sink/sink.ts'
import { spawnWorker } from '../../threads.ts'
import { WorkerError } from '../thread-error.ts'
import type { ConsumeJob, FromMember, LaneProgress, LaneState, ToMember } from './job.ts'
import type { ServerHealth } from './server-health.ts'
import { type ConsumeProgress, summarize } from './totals.ts'

const pollInterval = 250
/**
 * How long a fenced lane may wait for the rebalance that takes its partition away. When none comes, somebody else wrote to
 * kafka_offsets; the run ends so that a supervisor starts it again, with a new claim.
 */
const fencedPatience = 10_000

export interface ConsumeRun {
  readonly job: ConsumeJob
  readonly threads: number
  /** Stop after so many records; the job has the budget for it. */
  readonly maxRecords: number | undefined
  /** Reads the sink's offsets: an end is reached when the database says so, whoever wrote it. */
  readonly sink: Sink
  /** Aborted by the first Ctrl-C: drain, commit, leave. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: ConsumeProgress) => void
}

/**
 * Runs the member threads until the job's end is reached, the budget is used up, every lane failed, or `signal`
 * aborts. Resolves with what was done; rejects with the first error of a member, after all have stopped.
 */
export async function consume(run: ConsumeRun): Promise<ConsumeProgress> {
  const members = Array.from({ length: run.threads }, (_, thread) => new MemberThread(run.job, thread))
  const progress = () =>
    summarize(
      members.flatMap((member) => member.lanes),
      members.flatMap((member) => member.servers),
    )
  // Not in the loop below: that asks the database, which may be what people want to hear about.
  const shown = setInterval(() => run.onProgress(progress()), pollInterval)
  try {
    await watch(run, members, progress)
  } finally {
    await Promise.all(members.map((member) => member.stop()))
    clearInterval(shown)
  }
  run.onProgress(progress())
  const failed = members.find((member) => member.error)
  if (failed?.error) throw failed.error
  return progress()
}

/** Returns when there is nothing more to wait for; what came of it is in the progress. */
async function watch(
  run: ConsumeRun,
  members: MemberThread[],
  progress: () => ConsumeProgress,
): Promise<void> {
  const { maxRecords, signal } = run
  // One question at a time: a database that does not answer must not keep anything else from being noticed.
  let asked: Promise<boolean> | undefined
  let fencedSince: number | undefined
  while (!signal.aborted && !members.some((member) => member.ended || member.error)) {
    const now = progress()
    if (maxRecords !== undefined && now.read >= maxRecords) return
    asked ??= reachedEnd(run)
    // Whoever returns before the answer does not want it any more.
    asked.catch(() => undefined)
    // An abort ends the pause early.
    const pause = sleep(pollInterval, undefined, { signal }).catch(() => undefined)
    const atEnd = await Promise.race([asked, pause])
    if (atEnd === true) return
    if (atEnd === false) asked = undefined
    if (now.servers.some((server) => server.gaveUp)) return
    const is = (state: LaneState) => now.lanes.filter((lane) => lane.state === state).length
    // Every lane ended by itself, and not all of them well: nothing will move any more.
    if (is('failed') > 0 && is('failed') + is('done') === now.lanes.length) return
    fencedSince = is('fenced') > 0 ? (fencedSince ?? Date.now()) : undefined
    if (fencedSince !== undefined && Date.now() - fencedSince > fencedPatience) return
    await pause
  }
}

/** True when the database says that everything up to the job's end is stored, whoever stored it. */
async function reachedEnd({ job, sink }: ConsumeRun): Promise<boolean> {
  if (!job.until) return false
  try {
    return isStored(job.until, await sink.offsets(job.topic, job.group))
  } catch (error) {
    // The lanes wait for the database too; their state is what people see.
    if (error instanceof UnreachableError) return false
    throw error
  }
}

/** Whether the stored offsets have reached `until` in every partition. */
export function isStored(
  until: ReadonlyMap<number, bigint>,
  stored: ReadonlyMap<number, StoredOffset>,
): boolean {
  return [...until].every(([partition, end]) => (stored.get(partition)?.offset ?? 0n) >= end)
}

/** One worker thread and what it reported last. */
class MemberThread {
  lanes: readonly LaneProgress[] = []
  servers: readonly ServerHealth[] = []
  error: Error | undefined
  ended = false
  private readonly worker: Worker
  private readonly exited: Promise<void>

  constructor(job: ConsumeJob, thread: number) {
    this.worker = spawnWorker('consume', { ...job, owner: `${job.owner}/${thread}` } satisfies ConsumeJob)
    this.worker.on('message', (message: FromMember) => this.hear(message))
    this.worker.on('error', (error) => {
      this.error ??= error
    })
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.ended = true
        if (code !== 0) this.error ??= new UnexpectedError(`worker thread ${thread} ended with code ${code}`)
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    this.worker.postMessage({ type: 'stop' } satisfies ToMember)
    await this.exited
  }

  private hear(message: FromMember): void {
    if (message.type === 'progress') {
      this.lanes = message.lanes
      this.servers = message.servers
    } else if (message.type === 'failed') this.error ??= new WorkerError(message.error)
  }
}
