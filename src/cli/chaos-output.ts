import { type Fault, faultKinds, specOf } from '../chaos/fault.ts'
import type { ChaosReport, KindSummary } from '../chaos/report.ts'
import type { ChaosProgress } from '../chaos/request.ts'
import { formatCount } from './format-count.ts'
import { textTable } from './table.ts'

/** The progress line. */
export function chaosProgress({ phase, done, active, faults, logSize, lag }: ChaosProgress): string {
  const behind = Object.entries(lag).map(([sink, offsets]) => `${sink} ${formatCount(offsets)} behind`)
  const doing = phase === 'faults' ? `fault ${done}/${faults}, ${active} active` : phase
  return [doing, `${formatCount(logSize)} offsets`, ...behind].join(', ')
}

/** The plan of `--dry-run`. */
export function planTable(faults: readonly Fault[]): string {
  const rows = faults.map(({ number, at, kind, target, lasts, amount }) => [
    String(number),
    `${(at / 1000).toFixed(1)} s`,
    kind,
    target,
    lasts === 0 ? '–' : `${(lasts / 1000).toFixed(1)} s`,
    specOf(kind).amount === undefined ? '' : String(amount),
  ])
  return textTable(['fault', 'at', 'kind', 'target', 'lasts', 'amount'], rows)
}

/** Names and meanings of the faults, for `--help`. */
export function kindsHelp(): string {
  const width = Math.max(...faultKinds.map((kind) => kind.length))
  return faultKinds.map((kind) => `  ${kind.padEnd(width)}  ${specOf(kind).what}`).join('\n')
}

/** The result, at most 80 columns wide. */
export function chaosSummary(report: ChaosReport, again: string): string {
  const { seed, faults, seconds, topic, partitions } = report
  return [
    `seed ${seed}, ${faults} faults in ${seconds.toFixed(0)} s, topic ${topic}, ${partitions} partitions`,
    ...(report.kinds.length > 0 ? ['', faultTable(report.kinds)] : []),
    ...(report.sinks.length > 0 ? ['', sinkTable(report)] : []),
    ...producedLine(report),
    ...exitLines(report),
    ...findings(report),
    '',
    verdictLine(report),
    `again: ${again}`,
  ].join('\n')
}

function faultTable(kinds: readonly KindSummary[]): string {
  const rows = kinds.map(({ kind, faults, missed, recoveryMedian, recoveryMax }) => [
    kind,
    String(faults),
    String(missed),
    duration(recoveryMedian),
    duration(recoveryMax),
  ])
  return textTable(['fault', 'times', 'missed', 'recovery median', 'max'], rows)
}

function sinkTable({ sinks }: ChaosReport): string {
  const head = ['sink', 'in log', 'rows', 'dlq', 'lost', 'doubled', 'altered', 'foreign', 'out of order']
  const rows = sinks.map(({ sink, audit: { totals } }) => [
    sink,
    ...[totals.inLog, totals.rows, totals.deadLettered, totals.lost, totals.doubled].map(formatCount),
    ...[totals.altered, totals.foreign, totals.outOfOrder].map(formatCount),
  ])
  return textTable(head, rows)
}

function producedLine({ produced }: ChaosReport): string[] {
  if (produced === undefined) return []
  const { promised, lost, doubled, aborted, leaked } = produced
  return [
    `producers: ${formatCount(promised)} records acknowledged, ${formatCount(lost)} lost, ${formatCount(doubled)} doubled`,
    `           ${formatCount(aborted)} records of aborted transactions, ${formatCount(leaked)} delivered`,
  ]
}

/** How the consumer processes ended: a signal, or an exit code. */
function exitLines({ exits }: ChaosReport): string[] {
  const ended = Object.entries(exits).flatMap(([name, ways]) => {
    const each = Object.entries(ways).map(
      ([how, times]) => `${/^\d/.test(how) ? 'exit ' : ''}${how} ${times}×`,
    )
    return each.length > 0 ? [`${name}: ${each.join(', ')}`] : []
  })
  return ended.map((line, i) => `${i === 0 ? 'ended     ' : '          '} ${line}`)
}

/** Notes, too, when the run failed: one of them may be why. */
function findings({ sinks, verdict }: ChaosReport): string[] {
  const counts = ({ severity }: { severity: string }) => severity !== 'note' || verdict === 'failed'
  return sinks.flatMap(({ sink, audit, offsets }) => [
    ...[...audit.partitions, audit].flatMap((part) =>
      part.findings.filter(counts).map((finding) => `  ${sink} ${finding.cause}: ${finding.detail}`),
    ),
    ...[...offsets.partitions, offsets].flatMap((part) =>
      part.findings
        .filter(counts)
        .map((finding) => `  ${sink} verify-offsets ${finding.cause}: ${finding.detail}`),
    ),
  ])
}

function verdictLine({ verdict }: ChaosReport): string {
  if (verdict === 'interrupted') return 'INTERRUPTED: nothing was compared'
  if (verdict === 'failed') return 'FAILED: log and rows differ'
  if (verdict === 'untested') return 'UNTESTED: no fault found anything to hit'
  return 'OK: every record of the log is stored exactly once, unaltered and in order'
}

function duration(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '–' : `${(milliseconds / 1000).toFixed(1)} s`
}

/** The document of `--json`. */
export function chaosDocument(report: ChaosReport): object {
  return { ...report, outcomes: report.outcomes.map(({ fault, ...outcome }) => ({ ...fault, ...outcome })) }
}
