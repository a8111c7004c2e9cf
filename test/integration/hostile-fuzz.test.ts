import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openProducer } from '../../src/kafka/open.ts'
import { parseSchema } from '../../src/schema/avro-schema.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { fuzzer } from './hostile/fuzz.ts'
import { peakMemory } from './hostile/memory.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const total = 10_000
const partitions = 4
const seed = Number(process.env.ETL_FUZZ_SEED ?? Date.now() % 1_000_000)
/** One run needs about 200 MB; hostile input that is believed would need gigabytes. */
const memoryLimit = 700

const fields = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'small', type: 'int' },
  { name: 'ratio', type: ['null', 'double'], default: null },
  { name: 'on', type: 'boolean' },
  { name: 'day', type: { type: 'int', logicalType: 'date' } },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
  { name: 'clock', type: { type: 'int', logicalType: 'time-millis' } },
  { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 } },
  { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B', 'C'] } },
  { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
  { name: 'raw', type: 'bytes' },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'more', type: { type: 'map', values: ['null', 'long', 'string'] } },
  {
    name: 'tree',
    type: [
      'null',
      {
        type: 'record',
        name: 'Tree',
        fields: [
          { name: 'value', type: 'int' },
          { name: 'children', type: { type: 'array', items: 'Tree' } },
        ],
      },
    ],
    default: null,
  },
]

describe(`10,000 fuzzed records, ETL_FUZZ_SEED=${seed}`, { concurrency: false }, () => {
  const work = new Workspace('fuzz')
  const topic = work.topic('records')
  let db: Record<(typeof kinds)[number], Database>

  before(async () => {
    db = { postgres: await openDatabase('postgres'), mysql: await openDatabase('mysql') }
    const file = work.schema('fuzz', fields)
    const sinks = kinds.flatMap((kind) => ['--sink', kind])
    await etlJson(['apply', '-t', topic, '--schema', file, ...sinks, '-p', String(partitions)])
    await etlJson([
      'apply',
      '-t',
      topic,
      '--schema',
      file,
      ...sinks,
      '--table',
      `${topic}_keyed`,
      '--key',
      'id',
    ])
    const registry = openRegistry({ url: servers().registryUrl })
    const latest = await registry.latest(`${topic}-value`)
    assert(latest)
    const otherId = await registry.register(`${topic}-other`, { schema: '{"type":"array","items":"double"}' })
    registry.close()
    const schema = parseSchema(latest.schema, 'fuzz')
    const wrongIds = [0, 2_147_483_647, 4_294_967_295, latest.id + 1_000_000, otherId]
    const make = fuzzer({ seed, schema, schemaId: latest.id, wrongIds })
    const producer = openProducer({ brokers: servers().kafka, clientId: 'fuzz' }, { clientId: 'fuzz' })
    for (let partition = 0; partition < partitions; partition++) {
      const mine = Array.from({ length: total / partitions }, (_, i) => make(i * partitions + partition))
      await producer.send(topic, partition, mine)
    }
    await producer.close()
  })

  after(async () => {
    for (const kind of kinds) await db[kind].close()
    await work.remove()
  })

  for (const kind of kinds) {
    it(`each is a row or a dead letter, ${kind}`, async (t) => {
      const started = startEtl([
        'consume',
        '-t',
        topic,
        '-s',
        kind,
        '--until-end',
        '--threads',
        '2',
        '--json',
      ])
      const [{ code, stdout, stderr }, peak] = await Promise.all([started.output, peakMemory(started)])
      assert.equal(code, 0, stdout + stderr)
      const run = JSON.parse(stdout)
      const rows = Number(await db[kind].value(`SELECT count(*) FROM ${db[kind].quote(topic)}`))
      const letters = Number(
        await db[kind].value(`SELECT count(*) FROM etl_dead_letters WHERE topic = '${topic}'`),
      )
      assert.deepEqual([run.read, run.written, run.deadLettered], [total, rows, letters])
      assert.equal(rows + letters, total)
      // The valid ones, and of the others what happens to fit: neither side is empty, or the fuzzer tests nothing.
      assert(rows >= total / 5 && letters >= total / 5, `${rows} rows, ${letters} letters`)
      assert(peak < memoryLimit, `${peak} MB`)
      t.diagnostic(`${rows} rows, ${letters} dead letters, ${Math.round(peak)} MB at the most`)
      const verdict = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json'])
      assert.equal(verdict.code, 0, verdict.stdout)
    })

    it(`and into a table with a key, where tombstones delete, ${kind}`, async () => {
      const group = `${topic}-keyed`
      const flags = ['-t', topic, '-s', kind, '--table', `${topic}_keyed`, '--group', group]
      const run = await etlJson(['consume', ...flags, '--until-end', '--threads', '2'])
      assert.equal(run.read, total)
      assert.equal(run.written + run.deadLettered, total)
      const verdict = await etl(['verify-offsets', ...flags, '--json'])
      assert.equal(verdict.code, 0, verdict.stdout)
    })
  }
})
