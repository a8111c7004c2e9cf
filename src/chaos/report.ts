import type { AuditReport } from '../audit/report.ts'
import type { VerifyReport } from '../verify/report.ts'
import type { Consumer } from './consumers.ts'
import type { FaultKind } from './fault.ts'
import type { ProducedCheck } from './produced.ts'
import type { FaultOutcome } from './schedule.ts'

/** All faults of one kind. Times in milliseconds. */
export interface KindSummary {
  readonly kind: FaultKind
  readonly faults: number
  /** Had nothing to hit in time. */
  readonly missed: number
  readonly recoveryMedian: number | undefined
  readonly recoveryMax: number | undefined
}

export interface SinkResult {
  readonly sink: string
  readonly audit: AuditReport
  readonly offsets: VerifyReport
}

export interface ChaosReport {
  readonly seed: number
  readonly faults: number
  readonly topic: string
  readonly partitions: number
  readonly seconds: number
  /** failed: records lost, doubled, altered or out of order · untested: no fault hit anything · interrupted: ended before the audit. */
  readonly verdict: 'ok' | 'failed' | 'untested' | 'interrupted'
  readonly kinds: readonly KindSummary[]
  readonly sinks: readonly SinkResult[]
  readonly produced: ProducedCheck | undefined
  /** How often each process ended, by exit code or signal. */
  readonly exits: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly outcomes: readonly FaultOutcome[]
}

export function summarizeKinds(outcomes: readonly FaultOutcome[]): KindSummary[] {
  return [...Map.groupBy(outcomes, ({ fault }) => fault.kind)]
    .map(([kind, all]) => {
      const times = all.flatMap(({ recovery }) => recovery ?? []).sort((a, b) => a - b)
      return {
        kind,
        faults: all.length,
        missed: all.filter(({ struck }) => !struck).length,
        recoveryMedian: median(times),
        recoveryMax: times.at(-1),
      }
    })
    .sort((a, b) => b.faults - a.faults || a.kind.localeCompare(b.kind))
}

/** Of numbers in ascending order. */
function median(sorted: readonly number[]): number | undefined {
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}

export function exitsOf(consumers: readonly Consumer[]): Record<string, Record<string, number>> {
  return Object.fromEntries(consumers.map(({ name, exits }) => [name, Object.fromEntries(exits)]))
}

/**
 * Whether log, rows and what was produced agree. Every record fits its table and was there for the group to read from the log's beginning: a dead letter,
 * or a record that was passed by, is no mere note here.
 */
export function verdictOf(
  sinks: readonly SinkResult[],
  produced: ProducedCheck | undefined,
  outcomes: readonly Pick<FaultOutcome, 'struck'>[],
): 'ok' | 'failed' | 'untested' {
  const sinksAgree = sinks.every(
    ({ audit: { verdict, totals }, offsets }) =>
      verdict === 'ok' &&
      offsets.verdict === 'ok' &&
      totals.deadLettered + totals.replayed === 0n &&
      totals.rows === totals.inLog,
  )
  const logAgrees = produced === undefined || produced.lost + produced.doubled + produced.leaked === 0
  if (!sinksAgree || !logAgrees) return 'failed'
  return outcomes.some(({ struck }) => struck) ? 'ok' : 'untested'
}
