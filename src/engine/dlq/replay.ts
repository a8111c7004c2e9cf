import type { KafkaRecord } from '../../kafka/types.ts'
import type { FiledLetter, LetterBox, LetterQuery } from '../../sink/letters.ts'
import type { EncodedBatch, LaneTarget } from '../../sink/sink.ts'
import type { LaterDeletes } from './later-deletes.ts'

/** Letters of one transaction at the most. */
const pageLetters = 500

export interface ReplayRun {
  readonly letters: LetterBox
  readonly encode: (records: readonly KafkaRecord[]) => Promise<EncodedBatch>
  readonly target: LaneTarget
  /** Without state: pending ones are meant. */
  readonly query: Omit<LetterQuery, 'state' | 'attemptsBelow'>
  readonly maxAttempts: number
  readonly replayId: string
  readonly overwrite: boolean
  /** Upsert mode: what the log says of keys that were deleted since. undefined: not asked. */
  readonly laterDeletes: LaterDeletes | undefined
  readonly signal: AbortSignal
  readonly onProgress: (totals: ReplayTotals) => void
}

export interface ReplayTotals {
  readonly stored: number
  readonly superseded: number
  /** Left alone, because another run or a consumer was at it. */
  readonly changed: number
  readonly failed: readonly FailedLetter[]
}

export interface FailedLetter {
  readonly partition: number
  readonly offset: bigint
  readonly errorClass: string
  readonly message: string
  readonly attempts: number
}

/**
 * Takes pending letters through the same way as records from the log, in the order of partition and offset, a transaction for each
 * page of a partition. Ends early after the transaction under way when `signal` aborts; whatever was marked by then is stored. Throws
 * UnreachableError.
 */
export async function replay(run: ReplayRun): Promise<ReplayTotals> {
  let totals: ReplayTotals = { stored: 0, superseded: 0, changed: 0, failed: [] }
  let after: { partition: number; offset: bigint } | undefined
  const query: LetterQuery = { ...run.query, state: 'pending', attemptsBelow: run.maxAttempts }
  while (!run.signal.aborted) {
    const page = await run.letters.letters(query, { after, limit: pageLetters })
    const letters = page.filter(({ partition }) => partition === page[0]?.partition)
    const last = letters.at(-1)
    if (!last) break
    after = { partition: last.partition, offset: last.record.offset }
    totals = add(totals, await replayPage(run, last.partition, letters))
    run.onProgress(totals)
  }
  return totals
}

async function replayPage(
  run: ReplayRun,
  partition: number,
  letters: readonly FiledLetter[],
): Promise<ReplayTotals> {
  const { topic, group } = run.query
  const { rows, rejected } = await run.encode(letters.map(({ record }) => record))
  const deleted = await run.laterDeletes?.judge({ topic, partition }, rows)
  const receipt = await run.letters.replay({
    topic,
    partition,
    group,
    target: run.target,
    replayId: run.replayId,
    letters,
    rows,
    rejected,
    superseded: deleted?.superseded ?? new Set(),
    unclear: deleted?.unclear ?? new Map(),
    overwrite: run.overwrite,
  })
  const attempts = new Map(letters.map((letter) => [letter.record.offset, letter.attempts]))
  return {
    stored: receipt.stored.length,
    superseded: receipt.superseded.length,
    changed: receipt.changed.length,
    failed: receipt.failed.map(({ record: { offset }, errorClass, message }) => ({
      partition,
      offset,
      errorClass,
      message,
      attempts: (attempts.get(offset) ?? 0) + 1,
    })),
  }
}

function add(a: ReplayTotals, b: ReplayTotals): ReplayTotals {
  return {
    stored: a.stored + b.stored,
    superseded: a.superseded + b.superseded,
    changed: a.changed + b.changed,
    failed: [...a.failed, ...b.failed],
  }
}
