// npm run demo: the whole job on real parts, with a consumer killed in the middle. Exit code 0 only if every check held.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSink } from '../src/sink/open.ts'
import { readStackState } from '../src/stack/state.ts'
import { Commands, type Result } from './demo/commands.ts'
import { summaryTable } from './demo/summary.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const flights = 'flights-200k.json'
const topic = 'flights'
const databases = ['postgres', 'mysql'] as const
const sessionTimeout = ['--session-timeout', '6s']

const dir = mkdtempSync(join(tmpdir(), 'etl-demo-'))
symlinkSync(join(root, 'node_modules/vega-datasets/data', flights), join(dir, flights))
const etl = new Commands(root, dir)
const stop = () => void etl.killAll().then(() => process.exit(130))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

let ok = false
try {
  ok = await demo()
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${(error as Error).message}\n`)
} finally {
  process.off('SIGINT', stop)
  process.off('SIGTERM', stop)
  await etl.run(['stack', 'down', '--purge'])
  rmSync(dir, { recursive: true, force: true })
}
process.exitCode = ok ? 0 : 1

async function demo(): Promise<boolean> {
  await etl.must(['stack', 'up'])
  await etl.must(['schema', 'gen', flights, '--name', topic])
  const dataset = ['--topic', topic, '--schema', `schemas/${topic}.avsc`, '--partitions', '4']
  await etl.must(['plan', ...dataset])
  await etl.must(['apply', ...dataset])
  const produced = await etl.must(['produce', flights, '--topic', topic, '--threads', '4', '--json'])
  const consumed: Result[] = []
  for (const sink of databases) consumed.push(await consumeWithKill(sink))
  const verified: Result[] = []
  for (const sink of databases)
    verified.push(await etl.run(['verify-offsets', '--topic', topic, '--sink', sink]))
  const { text, ok } = summaryTable(databases, produced, consumed, verified)
  process.stdout.write(`\n${text}\n`)
  return ok
}

/** Starts a consumer, kills it with SIGKILL when the database shows half of the work, and lets another one finish. */
async function consumeWithKill(sink: (typeof databases)[number]): Promise<Result> {
  const args = [
    'consume',
    '--topic',
    topic,
    '--sink',
    sink,
    '--threads',
    '4',
    '--until-end',
    ...sessionTimeout,
  ]
  const victim = etl.start([...args, '--batch-records', '2000'])
  const at = await storedRecords(sink, 40_000, victim.ended)
  victim.kill('SIGKILL')
  await victim.ended
  process.stdout.write(
    `\nkill -9 of the ${sink} consumer (process ${victim.pid}) after ${at.toLocaleString('en-US')} offsets\n`,
  )
  return etl.must([...args, '--json'])
}

/** Waits until the sink holds `wanted` offsets or the consumer ended, and says how many there are. */
async function storedRecords(
  sink: (typeof databases)[number],
  wanted: number,
  ended: Promise<unknown>,
): Promise<number> {
  const service = readStackState(dir)?.services[sink]
  if (!service) throw new Error(`no ${sink} in the stack`)
  const database = openSink({ kind: sink, ...service })
  let over = false
  void ended.then(() => {
    over = true
  })
  try {
    for (;;) {
      const offsets = await database.offsets(topic, `etl-${topic}-${sink}-${service.database}`)
      const stored = [...offsets.values()].reduce((sum, { offset }) => sum + Number(offset), 0)
      if (stored >= wanted || over) return stored
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    await database.close()
  }
}
