import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultKinds } from '../../src/chaos/fault.ts'
import { openAdmin } from '../../src/kafka/open.ts'
import { openDatabase } from './databases.ts'
import { type Output, type Started, startEtl } from './etl.ts'
import { servers } from './servers.ts'

/** The run's folder, which its first note names. */
function folderOf(stderr: string): string {
  const [, folder] = /logs in (\S+)\/logs/.exec(stderr) ?? []
  assert.ok(folder, stderr)
  return folder
}

/** Processes that have the folder in their command line or environment. */
function processesOf(folder: string): string[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  return ids.flatMap((id) => {
    try {
      const texts = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${id}/${file}`, 'latin1'))
      return texts.some((text) => text.includes(folder)) ? [texts.join(' ').slice(0, 200)] : []
    } catch {
      return [] // It has ended meanwhile.
    }
  })
}

function assertNothingLeft({ stderr }: Output): void {
  const folder = folderOf(stderr)
  assert.equal(existsSync(folder), false, `${folder} is still there`)
  assert.deepEqual(processesOf(folder), [])
}

async function says({ child }: Started, text: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', (piece: string) => {
    said += piece
  })
  while (!said.includes(text)) {
    assert.equal(child.exitCode, null, said)
    await sleep(50)
  }
}

suite('etl chaos', () => {
  test('on servers of its own: every kind of fault, and nothing lost, doubled or left behind', async () => {
    const args = ['chaos', '--faults', String(faultKinds.length), '--seed', '1', '--json']
    const output = await startEtl(args).output
    assert.equal(output.code, 0, output.stdout + output.stderr)
    const report = JSON.parse(output.stdout)
    assert.equal(report.verdict, 'ok')
    assert.equal(report.outcomes.length, faultKinds.length)
    assert.equal(report.kinds.length, faultKinds.length)
    // A fault that waits for a COMMIT may wait in vain; most must have hit.
    const struck = report.outcomes.filter((outcome: { struck: boolean }) => outcome.struck)
    assert.ok(struck.length > (faultKinds.length * 2) / 3, `${struck.length} faults hit something`)
    const sinks = report.sinks.map(({ sink, audit }: { sink: string; audit: { totals: object } }) => {
      return { sink, ...audit.totals }
    })
    for (const { inLog, rows, lost, doubled, altered, outOfOrder } of sinks) {
      assert.equal(rows, inLog)
      assert.equal(inLog, report.produced.inLog)
      assert.deepEqual([lost, doubled, altered, outOfOrder], [0, 0, 0, 0])
    }
    assert.ok(report.produced.promised > 0)
    assert.ok(report.produced.inLog >= report.produced.promised)
    assert.deepEqual([report.produced.lost, report.produced.doubled, report.produced.leaked], [0, 0, 0])
    assertNothingLeft(output)
  })

  test('on servers that run already: no server is touched, topic and tables are removed again', async () => {
    const args = ['chaos', '--existing', '--sink', 'postgres', '--faults', '8', '--seed', '5', '--json']
    const skip = ['--skip', 'consumer-freeze,clock-step,producer-freeze']
    const output = await startEtl([...args, ...skip]).output
    assert.equal(output.code, 0, output.stdout + output.stderr)
    const report = JSON.parse(output.stdout)
    assert.equal(report.verdict, 'ok')
    for (const { kind } of report.kinds) assert.doesNotMatch(kind, /^(broker|database|registry)-kill$/)
    assertNothingLeft(output)
    const admin = openAdmin({ brokers: servers().kafka, clientId: 'test' })
    const database = await openDatabase('postgres')
    try {
      assert.equal(await admin.topic(report.topic), undefined)
      for (const table of ['kafka_offsets', 'etl_ledger', 'etl_dead_letters'])
        assert.equal(
          await database.value(`SELECT count(*) FROM ${table} WHERE topic = '${report.topic}'`),
          '0',
        )
      assert.equal(await database.value(`SELECT to_regclass('${report.topic}')`), null)
    } finally {
      await Promise.all([admin.close(), database.close()])
    }
  })

  test('Ctrl-C ends processes and servers and removes the folder', async () => {
    const run = startEtl(['chaos', '--faults', '1000', '--seed', '1', '--sink', 'postgres'])
    await says(run, 'topic and tables')
    await sleep(4_000)
    run.child.kill('SIGINT')
    const output = await run.output
    assert.equal(output.code, 130, output.stderr)
    assert.match(output.stdout, /^INTERRUPTED/m)
    assertNothingLeft(output)
  })

  test('a set-up that cannot work ends the run, with what the process said', async () => {
    const env = { ETL_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none' }
    const args = ['chaos', '--existing', '--sink', 'postgres', '--faults', '1', '--json']
    const { code, stdout } = await startEtl(args, { env }).output
    assert.equal(code, 5, stdout)
    assert.equal(JSON.parse(stdout).error.code, 'unreachable')
  })
})
