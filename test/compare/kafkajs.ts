// The Reader contract, tried on our readers and on kafkajs as it is published; prints case by case what holds.
// npm run compare:kafkajs [-- --only NAME] [--case TEXT]   Needs a running `etl stack`.
import { parseArgs } from 'node:util'
import type { KafkaConfig } from '../../src/kafka/config.ts'
import { OwnCluster } from '../integration/kafka/brokers/own-cluster.ts'
import { lifeCases, logCases, sharingCases } from '../integration/kafka/contract/all-cases.ts'
import { brokerRestart, leaderChange } from '../integration/kafka/contract/brokers.ts'
import { compaction } from '../integration/kafka/contract/compaction.ts'
import { groupReader, groupSubject, logReader, type Subject } from '../integration/kafka/contract/subject.ts'
import { type Cases, TestBed } from '../integration/kafka/contract/test-bed.ts'
import { config } from '../integration/kafka/fixture.ts'
import { StockKafkajsReader } from './stock-kafkajs.ts'

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, case: { type: 'string', default: '' } },
})

/** Milliseconds that a case may take; twice what the slowest passing one needs. */
const patience = 45_000
/** The same for those that wait for brokers to start. */
const brokerPatience = 120_000

const kafkajs = groupSubject('kafkajs 2.2.4', (cluster, options) => new StockKafkajsReader(cluster, options))
const subjects = [groupReader, logReader, kafkajs].filter(
  ({ name }) => flags.only === undefined || name.toLowerCase().startsWith(flags.only.toLowerCase()),
)

// What a case leaves behind when it fails, a reader that still runs for one, may fail later on its own.
process.on('unhandledRejection', () => {})

const results = new Map<string, Map<Subject, string>>()

async function tryAll(cluster: KafkaConfig, cases: Cases, needsGroup = false): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    if (!name.includes(flags.case)) continue
    const row = new Map<Subject, string>()
    results.set(name, row)
    for (const subject of subjects) {
      const result = needsGroup && !subject.open ? '–' : await tryOne(cluster, subject, run)
      row.set(subject, result)
      process.stderr.write(`${subject.name}: ${name}: ${result}\n`)
    }
  }
}

async function tryOne(
  cluster: KafkaConfig,
  subject: Subject,
  run: Cases[string],
  limit = patience,
): Promise<string> {
  const cleaning: (() => unknown)[] = []
  const scope = { after: (clean: () => unknown) => cleaning.push(clean), diagnostic: () => {} }
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => late.resolve(`**hangs**: not done after ${limit / 1_000} s`), limit)
  const done = run?.(new TestBed(scope, cluster, subject)).then(
    () => 'ok',
    (error: Error) => `**fails**: ${oneLine(error)}`,
  )
  const result = await Promise.race([done, late.promise])
  clearTimeout(timer)
  // The readers first, then their topics; none may hold up the next case.
  const cleaned = Promise.allSettled(cleaning.reverse().map(async (clean) => clean()))
  await Promise.race([cleaned, new Promise((resolve) => setTimeout(resolve, 10_000))])
  return result ?? ''
}

function oneLine(error: Error): string {
  const { message, cause, actual, expected } = error as Error & { actual?: unknown; expected?: unknown }
  if (Array.isArray(actual) && Array.isArray(expected)) return difference(actual, expected)
  const lines = message.split('\n').map((line) => line.trim())
  const text = lines
    .filter((line) => line !== '')
    .slice(0, 4)
    .join(' ')
  const because = cause instanceof Error && !text.includes(cause.message) ? ` (${cause.message})` : ''
  return `${text}${because}`.replaceAll('|', '\\|').slice(0, 160)
}

function difference(actual: readonly unknown[], expected: readonly unknown[]): string {
  const wrong = actual.filter((one) => !expected.includes(one)).length
  const missing = expected.filter((one) => !actual.includes(one)).length
  const parts = [
    wrong > 0 ? `${wrong} shown that must not be` : '',
    missing > 0 ? `${missing} not shown` : '',
    wrong + missing === 0 && actual.length > expected.length
      ? `${actual.length - expected.length} shown twice`
      : '',
  ].filter((part) => part !== '')
  return parts.length > 0 ? `${parts.join(', ')}, of ${expected.length}` : 'in another order'
}

async function tryOnOwn(nodes: number, casesOf: (cluster: () => OwnCluster) => Cases): Promise<void> {
  for (const subject of [...subjects]) {
    // A cluster for each: what one left behind is not the next one's fault.
    const names = Object.keys(casesOf(() => undefined as never)).filter((name) => name.includes(flags.case))
    if (names.length === 0) return
    let stop: () => unknown = () => {}
    const cluster = await OwnCluster.start({ after: (clean) => (stop = clean) }, { nodes })
    for (const [name, run] of Object.entries(casesOf(() => cluster))) {
      const row = results.get(name) ?? new Map<Subject, string>()
      results.set(name, row)
      row.set(subject, await tryOne(cluster.config, subject, run, brokerPatience))
      process.stderr.write(`${subject.name}: ${name}: ${row.get(subject)}\n`)
    }
    await stop()
  }
}

await tryAll(config, logCases)
await tryAll(config, compaction)
await tryAll(config, { ...sharingCases, ...lifeCases }, true)
await tryOnOwn(1, brokerRestart)
await tryOnOwn(2, leaderChange)

const table = [
  ['case', ...subjects.map(({ name }) => name)],
  ['---', ...subjects.map(() => '---')],
  ...[...results].map(([name, row]) => [name, ...subjects.map((subject) => row.get(subject) ?? '–')]),
  [
    '**holds**',
    ...subjects.map((subject) => {
      const all = [...results.values()].map((row) => row.get(subject)).filter((result) => result !== '–')
      return `**${all.filter((result) => result === 'ok').length} of ${all.length}**`
    }),
  ],
]
for (const row of table) process.stdout.write(`| ${row.join(' | ')} |\n`)
process.exit()
