import { EtlError, ExitCode, InputError } from '../../errors.ts'
import { toThreadError, WorkerError } from '../thread-error.ts'
import type { BadFile } from './bad-file.ts'
import type { Commits } from './commits.ts'
import { Coordinator, type Ending } from './coordinator.ts'
import type { ProduceJob } from './job.ts'
import type { PartitionTally, Totals } from './tally.ts'
import { ThreadWorker } from './thread-worker.ts'
import type { BadRecord } from './work.ts'
import type { WorkSource } from './work-source.ts'

export interface ProduceRun {
  readonly job: ProduceJob
  readonly threads: number
  readonly source: WorkSource
  /** Takes the bad records; undefined with onBad 'stop'. */
  readonly badFile: BadFile | undefined
  /** With --resume. */
  readonly commits: Commits | undefined
  /** Aborted by Ctrl-C: reading stops, what was read is sent. The same signal that the source got, or one that aborts it. */
  readonly signal: AbortSignal
  /** Asks the source to stop. */
  readonly stopReading: () => void
  readonly onProgress: (totals: Totals, fraction: number | undefined) => void
}

export interface ProduceOutcome {
  /** complete: all of the input; the others say what ended it before. */
  readonly end: 'complete' | 'interrupted' | 'bad-record' | 'failed'
  /** What the user must know when it ended with a bad record or failed. */
  readonly error: unknown
  readonly totals: Totals
  readonly partitions: ReadonlyMap<number, PartitionTally>
  readonly seconds: number
  /** With --resume, for each input. */
  readonly resumed?: readonly ResumedInput[]
}

export interface ResumedInput {
  readonly name: string
  /** Transactional id, and the consumer group that holds the position. */
  readonly id: string
  /** Records that earlier runs were done with; undefined: there was no position. */
  readonly earlier: number | undefined
}

const progressInterval = 100

/**
 * Sends a source's records with `threads` worker threads, and tells how far it came whatever ended it. What is sent is always the input
 * up to some record; only after a failure (end `failed`) may some of the last ones be missing (`totals.good - totals.sent`).
 */
export async function produce(run: ProduceRun): Promise<ProduceOutcome> {
  const started = performance.now()
  const workers = Array.from({ length: run.threads }, (_, index) => new ThreadWorker(run.job, index))
  const coordinator = new Coordinator({
    workers,
    onBad: run.job.onBad,
    report: async (bad) => run.badFile?.write(bad),
    dryRun: run.job.kafka === undefined,
    commits: run.commits,
    stopReading: run.stopReading,
  })
  const { tally } = coordinator
  const timer = setInterval(() => run.onProgress(tally, run.source.fractionRead()), progressInterval)
  let ending: Ending | undefined
  try {
    ending = await coordinator.run(run.source.work)
    // A failed thread may wait for a broker that never answers.
    const end = ending?.kind === 'failed' ? 'terminate' : 'close'
    await Promise.all(workers.map((worker) => worker[end]()))
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()))
    ending ??= { kind: 'failed', error }
  } finally {
    clearInterval(timer)
  }
  // Only now that no thread sends any more: an abort must not be overtaken by records.
  await run.commits?.abandon()
  return {
    ...conclusion(ending, run, tally.sent),
    totals: tally,
    partitions: tally.partitions,
    seconds: (performance.now() - started) / 1000,
  }
}

function conclusion(
  ending: Ending | undefined,
  { signal, job, commits }: ProduceRun,
  sent: number,
): Pick<ProduceOutcome, 'end' | 'error'> {
  if (ending?.kind === 'failed')
    return { end: 'failed', error: withNext(ending.error, commits !== undefined, sent) }
  if (ending?.kind === 'bad-record') return { end: 'bad-record', error: badRecordError(ending.bad, job) }
  return { end: signal.aborted ? 'interrupted' : 'complete', error: undefined }
}

/** What helps after a failure in mid-run, unless the error itself knows better. Brokers that took records and are gone now are the right ones. */
function withNext(error: unknown, resumable: boolean, sent: number): unknown {
  if (!(error instanceof EtlError)) return error
  const awaits = (resumable || sent > 0) && error.exitCode === ExitCode.unreachable
  if (error.next !== undefined && !awaits) return error
  const next = resumable
    ? 'the same command again: it goes on after the last commit'
    : 'a run with --resume can be continued: the same command then sends what is missing, and nothing twice'
  return new WorkerError({ ...toThreadError(error), next })
}

function badRecordError(bad: BadRecord, { value }: ProduceJob): InputError {
  const place =
    bad.column === undefined ? `${bad.input}:${bad.line}` : `${bad.input}:${bad.line}:${bad.column}`
  const field = bad.field === '' ? 'a record does' : `the field ${bad.field} does`
  return new InputError(`${field} not fit the schema ${value.name}`, {
    where: place,
    cause: new Error(bad.reason),
    next: 'correct the record, or --on-bad skip --bad-file FILE sends all the others',
  })
}
