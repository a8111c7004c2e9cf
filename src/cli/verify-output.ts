import type { PartitionReport, VerifyReport } from '../verify/report.ts'
import { textTable } from './table.ts'

const verdicts = { ok: 'ok', behind: 'BEHIND', failed: 'FAILED' }

/** The report as a table of at most 80 columns, with a line for each finding and the verdict last. */
export function verifyText(report: VerifyReport): string {
  const { partitions, totals } = report
  const head = ['part', 'log', 'offset', 'lag', 'in log', 'written', 'dlq', 'rows', 'verdict']
  const rows = partitions.map((p) => [
    String(p.partition),
    `${p.logStart}–${p.logEnd}`,
    text(p.offset),
    text(p.lag),
    text(p.inLog),
    text(p.written),
    text(p.deadLettered),
    text(p.rows),
    verdicts[p.verdict],
  ])
  const sum = [
    'all',
    '',
    '',
    text(totals.lag),
    text(totals.inLog),
    text(totals.written),
    text(totals.deadLettered),
    text(report.rows),
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

function text(value: bigint | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en-US')
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
    return `BEHIND: lag ${totals.lag.toLocaleString('en-US')}; below the stored offsets 0 lost, 0 doubled`
  return `OK: ${totals.inLog.toLocaleString('en-US')} records, each accounted for exactly once: 0 lost, 0 doubled`
}
