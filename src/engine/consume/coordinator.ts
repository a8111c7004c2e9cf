import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { UnexpectedError, UnreachableError } from '../../errors.ts'
import type { Sink } from '../../sink/sink.ts'
import { spawnWorker } from '../../threads.ts'
import { WorkerError } from '../thread-error.ts'
import { budgetLeft } from './budget.ts'
import type { ConsumeJob, FromMember, LaneProgress, ToMember } from './job.ts'
import { type ConsumeProgress, summarize } from './totals.ts'

const pollInterval = 250
/** How long nothing may move, with no healthy lane left, before a run that waits for an end gives up. */
const stallTimeout = 30_000

export interface ConsumeRun {
  readonly job: ConsumeJob
  readonly threads: number
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
  const progress = () => summarize(members.flatMap((member) => member.lanes))
  try {
    await watch(run, members, progress)
  } finally {
    await Promise.all(members.map((member) => member.stop()))
  }
  const failed = members.find((member) => member.error)
  if (failed?.error) throw failed.error
  return progress()
}

async function watch(
  run: ConsumeRun,
  members: MemberThread[],
  progress: () => ConsumeProgress,
): Promise<void> {
  const { job, signal } = run
  let lastMove = Date.now()
  let seen = ''
  let spent = 0
  while (!signal.aborted && !members.some((member) => member.ended)) {
    const now = progress()
    run.onProgress(now)
    if (await reachedEnd(run)) return
    // Twice in a row: a lane may hold more for a moment than it needs, and give it back.
    spent = job.budget && budgetLeft(job.budget) <= 0n ? spent + 1 : 0
    if (spent > 1) return
    const state = now.lanes.map((lane) => `${lane.partition}:${lane.offset}:${lane.state}`).join()
    if (state !== seen || now.lanes.some((lane) => lane.state === 'running' || lane.state === 'waiting'))
      lastMove = Date.now()
    seen = state
    const broken = now.lanes.filter((lane) => lane.state === 'failed' || lane.state === 'fenced')
    const alive = now.lanes.length - broken.length - now.lanes.filter((lane) => lane.state === 'done').length
    const only = broken.length > 0 && alive === 0
    if (only && (broken.every((lane) => lane.state === 'failed') || Date.now() - lastMove > stallTimeout))
      return
    // An abort ends the wait early.
    await sleep(pollInterval, undefined, { signal }).catch(() => undefined)
  }
}

async function reachedEnd({ job, sink }: ConsumeRun): Promise<boolean> {
  if (!job.until) return false
  try {
    const stored = await sink.offsets(job.topic, job.group)
    return [...job.until].every(([partition, end]) => (stored.get(partition)?.offset ?? 0n) >= end)
  } catch (error) {
    // The lanes wait for the database too; their state is what people see.
    if (error instanceof UnreachableError) return false
    throw error
  }
}

/** One worker thread and what it reported last. */
class MemberThread {
  lanes: readonly LaneProgress[] = []
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
    if (message.type === 'progress') this.lanes = message.lanes
    else if (message.type === 'failed') this.error ??= new WorkerError(message.error)
  }
}
