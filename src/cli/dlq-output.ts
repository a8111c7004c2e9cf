import type { ReplayTotals } from '../engine/dlq/replay.ts'
import type { Shown, ShownLetter } from '../engine/dlq/show.ts'
import type { ReplayResult } from '../engine/dlq/start.ts'
import { ExitCode } from '../errors.ts'
import type { FiledLetter, LetterCount, LetterQuery } from '../sink/letters.ts'
import { formatCount } from './format-count.ts'
import { textTable } from './table.ts'

const width = 80

/** One line a letter, as much of the message as fits, then how many there are of each class. */
export function letterList(letters: readonly FiledLetter[], counts: readonly LetterCount[]): string {
  const head = ['part', 'offset', 'class', 'tries', 'state', 'error']
  const cells = letters.map((letter) => [
    String(letter.partition),
    String(letter.record.offset),
    letter.errorClass,
    String(letter.attempts),
    letter.outcome ?? (letter.replayedAt ? 'replayed' : 'pending'),
  ])
  const widths = head
    .slice(0, -1)
    .map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const room = Math.max(20, width - widths.reduce((sum, each) => sum + each + 2, 0))
  const rows = cells.map((row, i) => [...row, cut(letters[i]?.message ?? '', room)])
  return [textTable(head, rows), '', countText(counts, letters.length)].join('\n')
}

/** Which letters a command looks at. */
export interface LetterPlace {
  readonly topic: string
  readonly group: string
  readonly sink: string
}

/** Nothing found may also mean another topic, group or database than the one that was meant. */
export function noLetters(state: LetterQuery['state'], { topic, group, sink }: LetterPlace): string {
  const what = state === 'all' ? 'no dead letters' : `no ${state} dead letters`
  return `${what}\n  topic ${topic}, group ${group}, sink ${sink}`
}

/** What to do with letters that are pending; `group` only where it was given. */
export function nextSteps(
  letter: FiledLetter,
  group: string | undefined,
  { topic, sink }: LetterPlace,
): string {
  const flags = `--sink ${sink}${group === undefined ? '' : ` --group ${group}`}`
  return [
    '',
    `one of them:  etl dlq show ${topic}/${letter.partition}/${letter.record.offset} ${flags}`,
    `try again:    etl dlq replay --topic ${topic} ${flags}`,
  ].join('\n')
}

function countText(counts: readonly LetterCount[], shown: number): string {
  const byClass = new Map<string, { pending: bigint; replayed: bigint }>()
  for (const { errorClass, state, letters } of counts) {
    const sums = byClass.get(errorClass) ?? { pending: 0n, replayed: 0n }
    byClass.set(errorClass, { ...sums, [state]: sums[state] + letters })
  }
  const rows = [...byClass].map(([name, { pending, replayed }]) => [
    name,
    formatCount(pending),
    formatCount(replayed),
  ])
  const total = sum(counts)
  const more =
    total > BigInt(shown) ? [`${formatCount(total)} letters; --limit shows more than ${shown}`] : []
  return [textTable(['class', 'pending', 'replayed'], rows), ...more].join('\n')
}

/** The document of `--json`. Bytes are left out: `etl dlq show` has them. */
export function listDocument(letters: readonly FiledLetter[], counts: readonly LetterCount[]): object {
  return { total: sum(counts), counts, letters: letters.map(letterDocument) }
}

function letterDocument(letter: FiledLetter): object {
  const { record, createdAt, replayedAt, ...rest } = letter
  return {
    ...rest,
    offset: record.offset,
    timestamp: record.timestamp,
    createdAt: createdAt.toISOString(),
    replayedAt: replayedAt?.toISOString() ?? null,
  }
}

export function letterText(letter: FiledLetter, shown: ShownLetter): string {
  const { record } = letter
  const state = letter.replayedAt
    ? `replayed ${letter.replayedAt.toISOString()}, ${letter.outcome ?? 'stored'}`
    : 'pending'
  return [
    `${letter.topic}/${letter.partition}/${record.offset}  group ${letter.group}`,
    `error    ${letter.errorClass}: ${letter.message}`,
    `state    ${state}`,
    `tries    ${letter.attempts}, the first ${letter.createdAt.toISOString()}`,
    `record   of ${new Date(Number(record.timestamp)).toISOString()}, schema id ${letter.schemaId ?? 'none'}`,
    ...block('key', shown.key),
    ...block('value', shown.value),
    ...shown.headers.flatMap(([name, value]) => block(`header ${name}`, value)),
  ].join('\n')
}

function block(name: string, { as, text, bytes, why }: Shown): string[] {
  if (as === 'null') return [`${name}: null`]
  return [`${name}: ${bytes} bytes, ${as}${why === undefined ? '' : ` (not decoded: ${why})`}`, `  ${text}`]
}

export function showDocument(letter: FiledLetter, shown: ShownLetter): object {
  const { key, value } = letter.record
  return {
    ...letterDocument(letter),
    key: bytesDocument(key, shown.key),
    value: bytesDocument(value, shown.value),
    headers: shown.headers.map(([name, header], i) => ({
      name,
      ...bytesDocument(letter.record.headers[i]?.[1] ?? null, header),
    })),
  }
}

/** Base64 holds every byte; `decoded` is for people. */
function bytesDocument(bytes: Buffer | null, { as, text, why }: Shown): object {
  return {
    base64: bytes?.toString('base64') ?? null,
    as,
    decoded: as === 'avro' || as === 'text' ? text : null,
    ...(why === undefined ? {} : { why }),
  }
}

/** Letters that a replay takes, and those that it leaves because they were tried too often. */
export interface ReplayPlan {
  readonly chosen: bigint
  readonly atCap: bigint
}

export function replayPlan({ chosen }: ReplayResult, maxAttempts: number): ReplayPlan {
  return {
    chosen: sum(chosen.filter(({ attempts }) => attempts < maxAttempts)),
    atCap: sum(chosen.filter(({ attempts }) => attempts >= maxAttempts)),
  }
}

export function planText(result: ReplayResult, maxAttempts: number, place: LetterPlace): string {
  const { chosen, atCap } = replayPlan(result, maxAttempts)
  if (chosen + atCap === 0n) return noLetters('pending', place)
  const rows = result.chosen.map(({ partition, errorClass, attempts, letters }) => [
    String(partition),
    errorClass,
    String(attempts),
    formatCount(letters),
    attempts < maxAttempts ? 'replay' : 'leave: at the cap',
  ])
  return [
    textTable(['part', 'class', 'tries', 'letters', 'plan'], rows),
    `${formatCount(chosen)} to replay (${result.mode})${atCap > 0n ? `, ${formatCount(atCap)} were tried ${maxAttempts} times or more and are left` : ''}`,
    ...(atCap > 0n ? ['a higher --max-attempts takes those too'] : []),
  ].join('\n')
}

export function replayText(totals: ReplayTotals): string {
  const { stored, superseded, changed, failed } = totals
  const rows = failed
    .slice(0, 20)
    .map(({ partition, offset, attempts, errorClass, message }) => [
      String(partition),
      String(offset),
      String(attempts),
      cut(`${errorClass}: ${message}`, 50),
    ])
  return [
    `${formatCount(stored)} stored`,
    ...(superseded > 0 ? [`${formatCount(superseded)} superseded: a newer record of their key counts`] : []),
    ...(changed > 0 ? [`${formatCount(changed)} left alone: another replay or a consumer was at them`] : []),
    ...(failed.length > 0
      ? [`${formatCount(failed.length)} refused again`, textTable(['part', 'offset', 'tries', 'error'], rows)]
      : []),
  ].join('\n')
}

/** 0 when no chosen letter is left pending, else 4: there is something to do. */
export function replayExitCode(
  { chosen, atCap }: ReplayPlan,
  { stored, superseded, changed, failed }: ReplayTotals,
  interrupted: boolean,
): ExitCode {
  const notReached = interrupted && BigInt(stored + superseded) < chosen
  const left = atCap > 0n || failed.length > 0 || changed > 0 || notReached
  return left ? ExitCode.behind : ExitCode.ok
}

function sum(counts: readonly LetterCount[]): bigint {
  return counts.reduce((total, { letters }) => total + letters, 0n)
}

function cut(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
