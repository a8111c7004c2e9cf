import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson } from './etl.ts'
import { Workspace } from './workspace.ts'

/** Names as JSON samples may have them, and that both databases can hold. */
const fieldNames = [
  'id',
  "a'b",
  'a"b',
  'a`b',
  'a\\b',
  'ключ é',
  "'; DROP TABLE kafka_offsets; --",
  '"; DROP TABLE kafka_offsets; --',
  '`; DROP TABLE kafka_offsets; --',
  'select',
  'a.b',
  'a\nb',
  '$1',
  '?',
  '%s',
  ':name',
  '$HOME',
  '__proto__',
  'constructor',
  'x'.repeat(63),
]
const value = (name: string, i: number) => `${i} ${name} '; DROP TABLE kafka_offsets; -- \\`

describe('names that hold quotes, SQL, unicode and all there is', { concurrency: false }, () => {
  const work = new Workspace('names')
  const topic = work.topic('hostile')
  // Parts of a table name that hold a quote or a dot are written in double quotes, and quotes in them twice.
  const table = `${topic.slice(-20)} we'ird"t\`a.ble; DROP -- é`
  const tableFlag = `"${table.replaceAll('"', '""')}"`
  const group = `gr'oup"\`; DROP TABLE kafka_offsets; -- ключ🔑${'g'.repeat(190)}`
  const db = {} as Record<(typeof kinds)[number], Database>
  let schema: string
  let samples: string

  before(async () => {
    for (const kind of kinds) db[kind] = await openDatabase(kind)
    const rows = Array.from({ length: 50 }, (_, i) =>
      // Not an object literal: `__proto__` would be no field of it.
      Object.fromEntries(fieldNames.map((name, at) => [name, at === 0 ? i : value(name, i)])),
    )
    samples = work.file('hostile.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const [made] =
      (await etlJson(['schema', 'gen', samples, '--out', work.dir, '--plain-strings'])).written ?? []
    schema = made?.file ?? `${work.dir}/hostile.avsc`
  })
  after(async () => {
    for (const kind of kinds) {
      await db[kind].rows(`DROP TABLE IF EXISTS ${db[kind].quote(table)}`)
      await db[kind].close()
    }
    await work.remove()
  })

  it('come through from the sample to the table', async () => {
    const sinks = kinds.flatMap((kind) => ['--sink', kind])
    await etlJson(['apply', '-t', topic, '--schema', schema, '--table', tableFlag, '--key', 'id', ...sinks])
    assert.equal((await etlJson(['produce', samples, '-t', topic])).sent, 50)
    for (const kind of kinds) {
      const flags = ['-t', topic, '-s', kind, '--table', tableFlag, '--group', group]
      const run = await etlJson(['consume', ...flags, '--until-end'])
      assert.deepEqual([run.written, run.deadLettered], [50, 0])
      // mysql2 gives no column called __proto__.
      const names = fieldNames.map((name, at) => `${db[kind].quote(name)} AS c${at}`).join(', ')
      const rows = await db[kind].rows(`SELECT ${names} FROM ${db[kind].quote(table)} ORDER BY 1`)
      assert.deepEqual(
        rows,
        Array.from({ length: 50 }, (_, i) =>
          fieldNames.map((name, at) => (at === 0 ? `${i}` : value(name, i))),
        ),
      )
      const verdict = await etl(['verify-offsets', ...flags, '--json'])
      assert.equal(verdict.code, 0, verdict.stdout)
      assert.equal(JSON.parse(verdict.stdout).reports[0].group, group)
      const again = await etlJson([
        'plan',
        '-t',
        topic,
        '--schema',
        schema,
        '--table',
        tableFlag,
        '--key',
        'id',
        '-s',
        kind,
      ])
      assert.equal(again.changes?.length ?? again.steps?.length ?? 0, 0)
    }
  })

  it('what Kafka takes for no topic is said so', async () => {
    for (const name of ['\'; DROP TABLE "x"; --`', 'тема', 'x'.repeat(250)]) {
      const { code, stderr } = await etl(['apply', '-t', name, '--schema', schema, '-s', 'postgres'])
      assert.equal(code, 78, stderr)
      assert.match(stderr, /is no name for a topic/)
      assert.match(stderr, /letters, digits/)
    }
  })

  it('a topic of 249 characters is refused as a table and taken with another one', async () => {
    const long = work.topic('x'.repeat(249 - topic.length + 'hostile'.length))
    assert.equal(long.length, 249)
    const refused = await etl(['apply', '-t', long, '--schema', schema, '-s', 'postgres', '-s', 'mysql'])
    assert.equal(refused.code, 78)
    assert.match(refused.stderr, /249 bytes, 63 are allowed/)
    for (const kind of kinds) {
      const flags = ['-t', long, '-s', kind, '--table', `long_${topic}`]
      await etlJson(['apply', ...flags, '--schema', schema])
      if (kind === 'postgres') await etlJson(['produce', samples, '-t', long])
      assert.equal((await etlJson(['consume', ...flags, '--until-end'])).written, 50)
      assert.equal((await etl(['verify-offsets', ...flags])).code, 0)
      await db[kind].rows(`DROP TABLE ${db[kind].quote(`long_${topic}`)}`)
    }
  })

  it('a field that a database has no name for is refused by the plan', async () => {
    const refused: [name: string, reason: RegExp][] = [
      ['', /it is empty/],
      ['x'.repeat(200), /200 (bytes|characters), 6[34] are allowed/],
      ['a\u0000b', /U\+0000/],
    ]
    for (const [name, reason] of refused) {
      const file = work.file('refused.ndjson', `${JSON.stringify({ id: 1, [name]: 'x' })}\n`)
      await etlJson(['schema', 'gen', file, '--out', work.dir, '--force'])
      for (const kind of kinds) {
        const plan = await etl([
          'plan',
          '-t',
          `${topic}_no`,
          '--schema',
          `${work.dir}/refused.avsc`,
          '-s',
          kind,
        ])
        assert.equal(plan.code, 78, plan.stderr)
        assert.match(plan.stderr, reason)
      }
    }
  })
})
