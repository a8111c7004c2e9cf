import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { openProducer } from '../../src/kafka/open.ts'
import type { OutRecord } from '../../src/kafka/producer.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const fields = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  {
    name: 'amount',
    type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 }],
    default: null,
  },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
]
const short = ['--session-timeout', '6s']

for (const kind of kinds)
  describe(`etl consume, ${kind}`, { concurrency: false }, () => {
    let work: Workspace
    let db: Database

    before(async () => {
      work = new Workspace(`consume_${kind}`)
      db = await openDatabase(kind)
    })
    after(async () => {
      await db.close()
      await work.remove()
    })

    const count = (table: string) => db.value(`SELECT count(*) FROM ${db.quote(table)}`)
    const apply = (topic: string, ...flags: string[]) =>
      etlJson([
        'apply',
        '-t',
        topic,
        '--schema',
        work.schema(topic, fields),
        '--sink',
        kind,
        '-p',
        '4',
        ...flags,
      ])
    const generate = (topic: string, n: number, seed = 1) =>
      etlJson(['produce', '-t', topic, '--generate', String(n), '--seed', String(seed)])
    const consume = (topic: string, ...flags: string[]) =>
      etlJson(['consume', '-t', topic, '--sink', kind, '--until-end', ...short, ...flags])
    const verify = (topic: string) => etl(['verify-offsets', '-t', topic, '--sink', kind, '--json'])
    const group = (topic: string) => `etl-${topic}-${kind}-${servers()[kind].database}`

    it('stores every record once, with offsets, ledger and rows in agreement', async () => {
      const topic = work.topic('plain')
      await apply(topic)
      await generate(topic, 20_000)
      const run = await consume(topic)
      assert.equal(run.written, 20_000)
      assert.equal(await count(topic), '20000')
      const offsets = await db.rows(
        `SELECT sum(${db.quote('offset')}) FROM kafka_offsets WHERE topic = '${topic}' AND consumer_group = '${group(topic)}'`,
      )
      assert.equal(offsets[0]?.[0], '20000')
      const { code, stdout } = await verify(topic)
      assert.equal(code, 0, stdout)
      const report = JSON.parse(stdout).reports[0]
      assert.deepEqual(
        [report.totals.inLog, report.totals.written, report.rows, report.totals.lag],
        [20_000, 20_000, 20_000, 0],
      )
    })

    it("starts where the sink says, whatever Kafka's group says", async () => {
      const topic = work.topic('seek')
      await apply(topic)
      await generate(topic, 3_000)
      await consume(topic)
      const admin = new kafkajs.Kafka({ brokers: servers().kafka, logLevel: 0 }).admin()
      await admin.connect()
      const partitions = [0, 1, 2, 3].map((partition) => ({ partition, offset: '0' }))
      await admin.setOffsets({ groupId: group(topic), topic, partitions })
      await admin.disconnect()
      await generate(topic, 500, 2)
      const run = await consume(topic)
      assert.equal(run.read, 500)
      assert.equal(await count(topic), '3500')
      assert.equal((await verify(topic)).code, 0)
    })

    it('loses and doubles nothing when it is killed at any moment', async () => {
      const topic = work.topic('kill')
      await apply(topic)
      await generate(topic, 60_000)
      const stored = async () =>
        Number(
          (await db.value(`SELECT sum(${db.quote('offset')}) FROM kafka_offsets WHERE topic = '${topic}'`)) ??
            0,
        )
      for (const share of [0.1, 0.35, 0.6]) {
        const args = [
          'consume',
          '-t',
          topic,
          '--sink',
          kind,
          '--until-end',
          '--batch-records',
          '500',
          ...short,
        ]
        const { child, output } = startEtl(args)
        while ((await stored()) < 60_000 * share && child.exitCode === null) await sleep(10)
        child.kill('SIGKILL')
        assert.equal((await output).signal, 'SIGKILL')
      }
      await consume(topic)
      assert.equal(await count(topic), '60000')
      const { code, stdout } = await verify(topic)
      assert.equal(code, 0, stdout)
    })

    it('shares the partitions of a group among processes, and gives them back on SIGTERM', async () => {
      const topic = work.topic('share')
      await apply(topic)
      const args = ['consume', '-t', topic, '--sink', kind, '--threads', '2', '--json', ...short]
      const running = [startEtl(args), startEtl(args)]
      await generate(topic, 20_000)
      const waited = await etl(['verify-offsets', '-t', topic, '--sink', kind, '--wait', '60s', '--json'])
      assert.equal(waited.code, 0, waited.stdout)
      for (const { child } of running) child.kill('SIGTERM')
      const outputs = await Promise.all(running.map(({ output }) => output))
      assert.deepEqual(
        outputs.map(({ code }) => code),
        [0, 0],
      )
      const written = outputs.map(({ stdout }) => JSON.parse(stdout).written as number)
      assert.equal(
        written.reduce((sum, n) => sum + n, 0),
        20_000,
      )
      assert.equal(await count(topic), '20000')
    })

    it('upserts by key: the last write wins, tombstones delete', async () => {
      const topic = work.topic('upsert')
      await apply(topic, '--key', 'id')
      const line = (id: number, name: string) =>
        JSON.stringify({ id, name, amount: null, at: '2026-01-01T00:00:00Z' })
      const lines = [line(1, 'a'), line(2, 'b'), line(1, 'c'), line(3, 'd'), line(2, 'e')].join('\n')
      await etlJson(['produce', '-', '-t', topic, '--format', 'ndjson', '--key', 'id'], {
        input: `${lines}\n`,
      })
      await tombstone(topic, '3')
      const run = await consume(topic)
      assert.equal(run.mode, 'upsert')
      const rows = await db.rows(`SELECT id, name FROM ${db.quote(topic)} ORDER BY id`)
      assert.deepEqual(rows, [
        ['1', 'c'],
        ['2', 'e'],
      ])
      assert.equal((await verify(topic)).code, 0)
    })

    it('takes key columns that the value does not have from the record key', async () => {
      const topic = work.topic('key')
      const key = work.file(`${topic}.key.avsc`, '"long"')
      const value = work.schema(topic, [{ name: 'name', type: 'string' }])
      await etlJson(['schema', 'register', key, '--subject', `${topic}-key`])
      const [{ id }] = (await etlJson(['schema', 'register', value, '--topic', topic])).registered
      await etlJson(['apply', '-t', topic, '--schema', value, '--sink', kind, '-p', '1', '--key', 'id'])
      const row = (name: string) => {
        const body = Buffer.from([0, 0, 0, 0, 0, name.length * 2, ...Buffer.from(name)])
        body.writeUInt32BE(id, 1)
        return body
      }
      const big = '9007199254740993'
      await append(topic, [
        { key: Buffer.from('1'), value: row('a') },
        { key: Buffer.from(big), value: row('b') },
        { key: Buffer.from('1'), value: row('c') },
        { key: Buffer.from(big), value: null },
        { key: null, value: row('no key') },
      ])
      const run = await consume(topic)
      assert.deepEqual([run.written, run.deadLettered], [4, 1])
      assert.deepEqual(await db.rows(`SELECT id, name FROM ${db.quote(topic)}`), [['1', 'c']])
    })

    it('puts what cannot be decoded into etl_dead_letters, with its offset, and goes on', async () => {
      const topic = work.topic('dead')
      await apply(topic)
      await generate(topic, 50)
      await append(topic, [
        { key: null, value: Buffer.from('not avro') },
        { key: null, value: Buffer.from([0, 0, 0, 0, 1, 9]) },
      ])
      await generate(topic, 50, 2)
      const run = await consume(topic)
      assert.deepEqual([run.read, run.written, run.deadLettered], [102, 100, 2])
      const dead = await db.rows(`SELECT error_class FROM etl_dead_letters WHERE topic = '${topic}'`)
      assert.equal(dead.length, 2)
      assert.equal((await verify(topic)).code, 0)
    })

    it('reads a topic that mixes three schema versions into one table', async () => {
      const topic = work.topic('versions')
      const v1 = [
        { name: 'id', type: 'int' },
        { name: 'gone', type: 'string', default: '-' },
      ]
      const v2 = [...v1, { name: 'added', type: ['null', 'string'], default: null }]
      const v3 = [{ name: 'id', type: 'long' }, v2[2] as object]
      const produce = async (version: object[], row: object) => {
        const file = work.schema(topic, version)
        await etlJson(['schema', 'register', file, '--topic', topic])
        await etlJson(['produce', '-', '-t', topic, '--schema', file, '--format', 'ndjson'], {
          input: `${JSON.stringify(row)}\n`,
        })
      }
      await etlJson([
        'apply',
        '-t',
        topic,
        '--schema',
        work.schema(topic, v1),
        '--sink',
        kind,
        '-p',
        '1',
        '--table',
        `${topic}_old`,
      ])
      await produce(v1, { id: 1, gone: 'x' })
      await produce(v2, { id: 2, gone: 'y', added: 'two' })
      await produce(v3, { id: '9007199254740993', added: 'three' })
      await etlJson(['apply', '-t', topic, '--schema', work.schema(topic, v3), '--sink', kind])
      const run = await consume(topic)
      assert.equal(run.deadLettered, 0)
      const rows = await db.rows(`SELECT id, added FROM ${db.quote(topic)} ORDER BY id`)
      assert.deepEqual(rows, [
        ['1', null],
        ['2', 'two'],
        ['9007199254740993', 'three'],
      ])
    })

    it('ends with exit code 7 when another owner has taken a partition and no rebalance follows', async () => {
      const topic = work.topic('fenced')
      await apply(topic)
      await generate(topic, 100)
      const { child, output } = startEtl([
        'consume',
        '-t',
        topic,
        '--sink',
        kind,
        '--threads',
        '1',
        '--json',
        ...short,
      ])
      while ((await count(topic)) !== '100' && child.exitCode === null) await sleep(50)
      await db.rows(`UPDATE kafka_offsets SET owner_epoch = owner_epoch + 1 WHERE topic = '${topic}'`)
      await generate(topic, 100, 2)
      const { code, stdout } = await output
      assert.equal(code, 7)
      assert.equal(JSON.parse(stdout).fenced, 4)
      assert.equal(await count(topic), '100')
      await consume(topic)
      assert.equal(await count(topic), '200')
      assert.equal((await verify(topic)).code, 0)
    })

    it('ends on SIGINT although a claim waits for a lock', async () => {
      const topic = work.topic('locked')
      await apply(topic)
      await generate(topic, 100)
      await consume(topic)
      await generate(topic, 100, 2)
      await db.rows(kind === 'postgres' ? 'BEGIN' : 'START TRANSACTION')
      await db.rows(`SELECT * FROM kafka_offsets WHERE topic = '${topic}' FOR UPDATE`)
      const { child, output } = startEtl(['consume', '-t', topic, '--sink', kind, '--json', ...short])
      await sleep(5_000)
      child.kill('SIGINT')
      await sleep(1_000)
      await db.rows('COMMIT')
      const { code, stdout } = await output
      assert.equal(code, 0)
      assert.equal(JSON.parse(stdout).read, 0)
    })

    it('stops after --max-records and goes on from there', async () => {
      const topic = work.topic('max')
      await apply(topic)
      await generate(topic, 1_000)
      const first = await etlJson(['consume', '-t', topic, '--sink', kind, '--max-records', '300', ...short])
      assert.equal(first.written, 300)
      await consume(topic)
      assert.equal(await count(topic), '1000')
      assert.equal((await verify(topic)).code, 0)
    })
  })

async function append(topic: string, records: OutRecord[]): Promise<void> {
  const producer = openProducer({ brokers: servers().kafka, clientId: 'test' }, { clientId: 'test' })
  await producer.send(topic, 0, records)
  await producer.close()
}

/** Written by another client, with its partitioner: the key must be found by the same text. */
async function tombstone(topic: string, key: string): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: servers().kafka, logLevel: 0 }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  await producer.send({ topic, messages: [{ key, value: null }] })
  await producer.disconnect()
}
