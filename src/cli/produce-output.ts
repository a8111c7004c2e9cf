import type { ProduceOutcome, ResumedInput } from '../engine/produce/produce.ts'
import type { Totals } from '../engine/produce/tally.ts'
import { EtlError, ExitCode } from '../errors.ts'
import { errorDocument } from './error-text.ts'
import { formatCount } from './format-count.ts'
import { textTable } from './table.ts'

/** What a run of `etl produce` was about; goes into text and document. */
export interface ProduceHeading {
  readonly topic: string
  readonly dryRun: boolean
  readonly badFile: string | undefined
}

/** What a shell reports of a program that Ctrl-C ended: 128 + 2. */
const interruptedCode = 130

/** One line: records, rate, size, bad ones, and how long it will still take. */
export function produceProgress(totals: Totals, fraction: number | undefined, seconds: number): string {
  const parts = [
    `${formatCount(totals.read)} read`,
    `${formatCount(totals.sent)} sent`,
    `${formatCount(Math.round(totals.sent / Math.max(seconds, 0.001)))}/s`,
  ]
  if (totals.inputBytes > 0) parts.push(megabytes(totals.inputBytes))
  if (totals.bad > 0) parts.push(`${formatCount(totals.bad)} bad`)
  if (fraction !== undefined && fraction > 0) {
    parts.push(`${Math.floor(fraction * 100)} %`)
    if (seconds > 2 && fraction < 1) parts.push(`${Math.ceil((seconds / fraction) * (1 - fraction))} s left`)
  }
  return parts.join(' · ')
}

/** One line for each input: where a resumed run begins. */
export function resumeText(inputs: readonly ResumedInput[]): string {
  const lines = inputs.map(({ name, earlier }) =>
    earlier === undefined
      ? `${name}: no position is stored, so it is sent from its beginning`
      : `${name}: goes on after ${formatCount(earlier)} records that earlier runs are done with`,
  )
  return lines.join('\n')
}

/** The table at the end, and a line that says how the input ended. */
export function produceSummary(outcome: ProduceOutcome, heading: ProduceHeading): string {
  const { totals, seconds } = outcome
  const sent = heading.dryRun ? 'fit the schema' : 'sent'
  const lines: string[] = []
  if (!heading.dryRun && outcome.partitions.size > 0) lines.push(partitionTable(outcome, heading.topic), '')
  const facts: [string, string][] = [
    // Made-up records have no bytes of input.
    [
      'read',
      `${formatCount(totals.read)} records${totals.inputBytes > 0 ? `, ${megabytes(totals.inputBytes)}` : ''}`,
    ],
    [
      sent,
      `${formatCount(heading.dryRun ? totals.good : totals.sent)} records${heading.dryRun ? '' : `, ${megabytes(totals.sentBytes)} compressed`}`,
    ],
    [
      'bad',
      `${formatCount(totals.bad)} records${heading.badFile && totals.bad > 0 ? `, in ${heading.badFile}` : ''}`,
    ],
  ]
  const earlier = earlierRecords(outcome)
  if (earlier > 0) facts.push(['before', `${formatCount(earlier)} records, by earlier runs`])
  const open = unacknowledged(outcome, heading)
  if (open > 0) facts.push(openFact(open, outcome))
  const rate = Math.round(totals.read / Math.max(seconds, 0.001))
  facts.push(['time', `${seconds.toFixed(1)} s, ${formatCount(rate)} records/s`])
  for (const [name, text] of facts) lines.push(`${name.padEnd(heading.dryRun ? 15 : 8)} ${text}`)
  const how = ending(outcome, heading)
  if (how) lines.push(how)
  return lines.join('\n')
}

/** The document of `--json`; its names are stable. */
export function produceDocument(outcome: ProduceOutcome, heading: ProduceHeading): object {
  const { totals, error } = outcome
  return {
    topic: heading.topic,
    dryRun: heading.dryRun,
    end: outcome.end,
    read: totals.read,
    sent: heading.dryRun ? 0 : totals.sent,
    bad: totals.bad,
    unacknowledged: unacknowledged(outcome, heading),
    inputBytes: totals.inputBytes,
    sentBytes: totals.sentBytes,
    seconds: Number(outcome.seconds.toFixed(3)),
    recordsPerSecond: Math.round(totals.read / Math.max(outcome.seconds, 0.001)),
    last: totals.last ?? null,
    badFile: heading.badFile ?? null,
    resumed:
      outcome.resumed?.map(({ name, id, earlier }) => ({ input: name, id, earlier: earlier ?? null })) ??
      null,
    partitions: heading.dryRun
      ? []
      : [...outcome.partitions].map(([partition, { records, bytes, firstOffset, lastOffset }]) => ({
          partition,
          records,
          bytes,
          firstOffset,
          lastOffset,
        })),
    ...(error === undefined ? {} : errorDocument(asError(error), exitCodeOf(outcome))),
  }
}

/** 0 only if all of the input was sent. */
export function exitCodeOf({ end, error }: Pick<ProduceOutcome, 'end' | 'error'>): number {
  if (end === 'complete') return ExitCode.ok
  if (end === 'interrupted') return interruptedCode
  return error instanceof EtlError ? error.exitCode : ExitCode.unexpected
}

function partitionTable({ partitions }: ProduceOutcome, topic: string): string {
  const rows = [...partitions].map(([partition, tally]) => [
    String(partition),
    formatCount(tally.records),
    megabytes(tally.bytes),
    String(tally.firstOffset ?? ''),
    String(tally.lastOffset ?? ''),
  ])
  return textTable([`${topic} partition`, 'records', 'compressed', 'first offset', 'last offset'], rows)
}

function ending(outcome: ProduceOutcome, { dryRun }: ProduceHeading): string | undefined {
  const { end, totals, resumed } = outcome
  const { last } = totals
  const verb = dryRun ? 'checked' : 'sent'
  if (resumed && totals.read === 0 && end === 'complete' && earlierRecords(outcome) > 0)
    return 'nothing left: earlier runs have sent all of it'
  if (end === 'interrupted') {
    return last
      ? `stopped   all is ${verb} up to and including the record at ${last.input}:${last.line}, nothing after it`
      : `stopped   before the first record`
  }
  if (end === 'bad-record' && last)
    return `stopped   all is ${verb} up to the record at ${last.input}:${last.line}, nothing from there on`
  return undefined
}

/** Records whose fate is open, or that the next run has to send again. */
function openFact(open: number, { resumed }: ProduceOutcome): [string, string] {
  return resumed
    ? ['open', `${formatCount(open)} records are not committed: the same command sends them`]
    : ['unknown', `${formatCount(open)} records were handed to the brokers and not acknowledged`]
}

function earlierRecords({ resumed = [] }: ProduceOutcome): number {
  return resumed.reduce((sum, { earlier = 0 }) => sum + earlier, 0)
}

function unacknowledged({ totals }: ProduceOutcome, { dryRun }: ProduceHeading): number {
  return dryRun ? 0 : totals.good - totals.sent
}

function megabytes(bytes: number): string {
  if (bytes < 100_000) return `${(bytes / 1000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
