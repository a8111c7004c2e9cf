import type { AuditExample, AuditFinding, AuditReport, PartitionAudit } from '../audit/report.ts'
import { countOrDash, formatCount } from './format-count.ts'
import { textTable } from './table.ts'

const verdicts = { ok: 'ok', behind: 'BEHIND', failed: 'FAILED' }
const methods = {
  place: 'each row with the record at its partition and offset',
  key: 'each row with the last record of its key',
  values: 'rows and records as multisets: the table does not say where its rows come from',
}
/** Examples that a person is shown; --json has all. */
const shown = 5
const valueChars = 60

/** The report as a table of at most 80 columns, with lines for each finding and the verdict last. */
export function auditText(report: AuditReport): string {
  const { partitions, totals, findings } = report
  const head = [
    'part',
    'offset',
    'in log',
    'rows',
    'replaced',
    'dlq',
    'lost',
    'twice',
    'changed',
    'foreign',
    'verdict',
  ]
  const rows = partitions.map((p) => [
    String(p.partition),
    countOrDash(p.offset),
    ...counts(p),
    verdicts[p.verdict],
  ])
  const sum = ['all', '', ...counts(totals), verdicts[report.verdict]]
  const table = report.mode === 'upsert' ? [head, ...rows, sum] : [head, ...rows, sum].map(withoutReplaced)
  const [first = [], ...others] = table
  return [
    `${report.topic} → ${report.sink} table ${report.table} (${report.mode})`,
    `group ${report.group}`,
    `compared: ${methods[report.method]}`,
    textTable(first, others),
    ...partitions.flatMap((p) => p.findings.flatMap((f) => lines(`partition ${p.partition}`, f))),
    ...findings.flatMap((f) => lines('table', f)),
    verdictLine(report),
  ].join('\n')
}

function counts(of: Omit<PartitionAudit, 'verdict' | 'findings' | 'partition'> | AuditReport['totals']) {
  return [
    countOrDash(of.inLog),
    countOrDash(of.rows),
    countOrDash(of.superseded),
    countOrDash(of.deadLettered),
    countOrDash(of.lost),
    countOrDash(of.doubled),
    countOrDash(of.altered),
    countOrDash(of.foreign),
  ]
}

/** Append tables replace nothing. */
function withoutReplaced(row: readonly string[]): string[] {
  return row.filter((_, i) => i !== 4)
}

function lines(place: string, { cause, detail, examples, count, next }: AuditFinding): string[] {
  const more = count - BigInt(Math.min(examples.length, shown))
  return [
    `  ${place} ${cause}: ${detail}`,
    ...examples.slice(0, shown).map((example) => `      ${exampleText(example)}`),
    ...(examples.length > 0 && more > 0n ? [`      and ${countOrDash(more)} more (--json lists them)`] : []),
    ...(next === undefined ? [] : [`      next: ${next}`]),
  ]
}

function exampleText({ partition, offset, key, column, expected, found }: AuditExample): string {
  const place = [
    ...(partition === undefined ? [] : [`partition ${partition}`]),
    ...(offset === undefined ? [] : [`offset ${offset}`]),
    ...(key === undefined ? [] : [`key ${value(key)}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(' ')
  const difference = [
    ...(expected === undefined ? [] : [`expected ${value(expected)}`]),
    ...(found === undefined ? [] : [`found ${value(found)}`]),
  ].join(', ')
  return difference === '' ? place : `${place}${place === '' ? '' : ': '}${difference}`
}

function value(text: string | null): string {
  if (text === null) return 'NULL'
  const characters = [...text]
  return characters.length > valueChars ? `${characters.slice(0, valueChars).join('')}…` : text
}

function verdictLine({ verdict, totals }: AuditReport): string {
  const { lost, doubled, altered, foreign, outOfOrder, lag, inLog } = totals
  if (verdict === 'failed')
    return `FAILED: ${lost} lost, ${doubled} doubled, ${altered} altered, ${foreign} foreign, ${outOfOrder} out of order`
  if (verdict === 'behind')
    return `BEHIND: lag ${formatCount(lag)}; below the stored offsets everything is as it should be`
  return `OK: ${formatCount(inLog)} records, each where it belongs with the values that it has`
}
