import { worst } from '../verify/report.ts'
import type { Findings } from './findings.ts'
import type { AuditCounts, AuditMethod, AuditReport, PartitionAudit } from './report.ts'
import type { PartitionScope } from './scope.ts'

interface Outcome {
  readonly topic: string
  readonly group: string
  readonly sink: string
  readonly table: string
  readonly mode: 'insert' | 'upsert'
  readonly method: AuditMethod
  readonly scopes: readonly PartitionScope[]
  /** Of the table as a whole. */
  readonly findings: Findings
  readonly rowCounts: ReadonlyMap<number | null, bigint>
  readonly provenance: boolean
}

export function summarize(outcome: Outcome): AuditReport {
  const { scopes, findings, rowCounts, provenance, method } = outcome
  if (provenance) countRows(outcome)
  const letters = `etl dlq list --topic ${outcome.topic} --sink ${outcome.sink}`
  const partitions = scopes.map((scope) => partitionAudit(scope, letters))
  const sum = (f: (p: PartitionAudit) => bigint) => partitions.reduce((total, p) => total + f(p), 0n)
  const whole = (cause: 'lost' | 'doubled' | 'altered' | 'foreign') => findings.count(cause)
  const totals: AuditCounts = {
    lag: sum((p) => p.lag),
    inLog: sum((p) => p.inLog),
    rows: [...rowCounts.values()].reduce((total, count) => total + count, 0n),
    superseded: sum((p) => p.superseded),
    deadLettered: sum((p) => p.deadLettered),
    replayed: sum((p) => p.replayed),
    filtered: sum((p) => p.filtered),
    lost: sum((p) => p.lost) + whole('lost'),
    doubled: sum((p) => p.doubled) + whole('doubled'),
    altered: sum((p) => p.altered) + whole('altered'),
    foreign: sum((p) => p.foreign) + whole('foreign'),
    outOfOrder: sum((p) => p.outOfOrder),
  }
  const { topic, group, sink, table, mode } = outcome
  const verdict = worst([findings.verdict(), ...partitions.map((p) => p.verdict)])
  return { topic, group, sink, table, mode, method, verdict, partitions, findings: findings.list(), totals }
}

/** Rows that no partition's comparison has met: of partitions that the topic lacks, of expired records, without a place. */
function countRows({ scopes, findings, rowCounts, method }: Outcome): void {
  const known = new Map(scopes.map((scope) => [scope.partition, scope]))
  for (const [partition, count] of rowCounts) {
    const scope = partition === null ? undefined : known.get(partition)
    if (method === 'place' && partition === null) findings.addMany('no_provenance', count)
    else if (method === 'place' && !scope)
      findings.addMany('foreign', count, {
        detail: `partition ${partition} does not exist`,
        examples: [{ partition: partition as number }],
      })
    else if (method === 'place' && scope?.stored && !scope.cut) {
      // In front of a log that begins at 0 there never was a record.
      const cause = scope.logStart > 0n ? 'expired' : 'foreign'
      scope.findings.addMany(cause, count - scope.tally.streamed)
    }
  }
}

function partitionAudit(
  { partition, logStart, logEnd, stored, end, findings, tally, ...scope }: PartitionScope,
  letters: string,
) {
  const audit: PartitionAudit = {
    partition,
    logStart,
    logEnd,
    offset: stored && (scope.cut ? end : stored.offset),
    lag: stored && stored.offset >= logStart ? max(0n, logEnd - stored.offset) : logEnd - logStart,
    inLog: tally.inLog,
    rows: tally.rows,
    superseded: tally.superseded,
    deadLettered: tally.deadLettered,
    replayed: tally.replayed,
    filtered: scope.ledger?.filtered ?? 0n,
    lost: findings.count('lost') + findings.count('unreadable') + findings.count('expired_unread'),
    doubled: findings.count('doubled'),
    altered: findings.count('altered'),
    foreign: findings.count('foreign'),
    outOfOrder: findings.count('out_of_order'),
    verdict: findings.verdict(),
    findings: notesOf(findings, tally.deadLettered, letters),
  }
  return audit
}

function notesOf(findings: Findings, deadLettered: bigint, next: string) {
  findings.addMany('dead_lettered', deadLettered, { next })
  return findings.list()
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
