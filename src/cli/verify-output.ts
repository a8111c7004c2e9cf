import type { PartitionReport, VerifyReport } from '../verify/report.ts'
import { countOrDash, formatCount } from './format-count.ts'
import { textTable } from './table.ts'

const verdicts = { ok: 'ok', behind: 'BEHIND', failed: 'FAILED' }

/** The report as a table of at most 80 columns, with a line for each finding and the verdict last. */
export function verifyText(report: VerifyReport): string {
  const { partitions, totals } = report
  const head = ['part', 'log', 'offset', 'lag', 'in log', 'written', 'dlq', 'rows', 'verdict']
  const rows = partitions.map((p) => [
    String(p.partition),
    `${p.logStart}–${p.logEnd}`,
    countOrDash(p.offset),
    countOrDash(p.lag),
    countOrDash(p.inLog),
    countOrDash(p.written),
    countOrDash(p.deadLettered),
    countOrDash(p.rows),
    verdicts[p.verdict],
  ])
  const sum = [
    'all',
    '',
    '',
    countOrDash(totals.lag),
    countOrDash(totals.inLog),
    countOrDash(totals.written),
    countOrDash(totals.deadLettered),
    countOrDash(report.rows),
    verdicts[report.verdict],
  ]
  return [
    `${report.topic} → ${report.sink} table ${report.table} (${report.mode})`,
    `group ${report.group}`,
    textTable(head, [...rows, sum]),
    ...findingLines(report),
    verdictLine(report),
  ].join('\n')
}

function findingLines({ partitions, findings }: VerifyReport): string[] {
  const line = (place: string, f: PartitionReport['findings'][number]) =>
    `  ${place} ${f.cause}: ${f.detail}${f.next ? `\n      next: ${f.next}` : ''}`
  return [
    ...partitions.flatMap((p) => p.findings.map((f) => line(`partition ${p.partition}`, f))),
    ...findings.map((f) => line('table', f)),
  ]
}

function verdictLine({ verdict, totals }: VerifyReport): string {
  if (verdict === 'failed') return `FAILED: ${totals.lost} lost, ${totals.doubled} doubled`
  if (verdict === 'behind')
    return `BEHIND: lag ${formatCount(totals.lag)}; below the stored offsets 0 lost, 0 doubled`
  return `OK: ${formatCount(totals.inLog)} records, each accounted for exactly once: 0 lost, 0 doubled`
}
