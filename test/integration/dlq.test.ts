import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openAdmin, openPartitionReader, openProducer } from '../../src/kafka/open.ts'
import type { OutRecord } from '../../src/kafka/producer.ts'
import type { KafkaRecord } from '../../src/kafka/types.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const fields = [
  { name: 'id', type: 'long' },
  { name: 'name', type: ['null', 'string'], default: null },
]
const client = () => ({ brokers: servers().kafka, clientId: 'test' })

for (const kind of kinds)
  describe(`dead letters, ${kind}`, { concurrency: false }, () => {
    let work: Workspace
    let db: Database

    before(async () => {
      work = new Workspace(`dlq_${kind}`)
      db = await openDatabase(kind)
    })
    after(async () => {
      await db.close()
      await work.remove()
    })

    /** A topic of one partition, and a table that takes only ids below `limit`. */
    const prepare = async (name: string, limit: number, ...flags: string[]) => {
      const topic = work.topic(name)
      const schema = work.schema(topic, fields)
      await etlJson(['apply', '-t', topic, '--schema', schema, '-s', kind, '-p', '1', ...flags])
      await db.rows(`ALTER TABLE ${db.quote(topic)} ADD CONSTRAINT ${short(topic)} CHECK (id < ${limit})`)
      return topic
    }
    const mend = (topic: string) => db.rows(`ALTER TABLE ${db.quote(topic)} DROP CONSTRAINT ${short(topic)}`)
    const short = (topic: string) => `c_${topic.slice(-20)}`
    const produce = (topic: string, ids: readonly number[], ...flags: string[]) =>
      etlJson(['produce', '-', '-t', topic, '--format', 'ndjson', ...flags], {
        input: ids.map((id) => `${JSON.stringify({ id, name: `n${id}` })}\n`).join(''),
      })
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
    const consume = (topic: string, ...flags: string[]) =>
      etl(['consume', '-t', topic, '-s', kind, '--until-end', '--threads', '1', '--json', ...flags])
    const consumed = async (topic: string, ...flags: string[]) => {
      const { code, stdout, stderr } = await consume(topic, ...flags)
      assert.equal(code, 0, `${stdout}\n${stderr}`)
      return JSON.parse(stdout)
    }
    const replayArgs = (topic: string) => ['dlq', 'replay', '-t', topic, '-s', kind, '--execute', '--json']
    const replay = async (topic: string, ...flags: string[]) => {
      const { code, stdout, stderr } = await etl([...replayArgs(topic), ...flags])
      assert(code === 0 || code === 4, `${code}\n${stdout}\n${stderr}`)
      return { code, ...JSON.parse(stdout) }
    }
    const ids = async (topic: string) =>
      (await db.rows(`SELECT id FROM ${db.quote(topic)} ORDER BY id`)).map(([id]) => Number(id))
    const verified = async (topic: string) => {
      const { code, stdout } = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json'])
      assert.equal(code, 0, stdout)
      return JSON.parse(stdout).reports[0].totals
    }

    it('are listed, shown, replayed when the table was put right, and counted by verify-offsets', async () => {
      const topic = await prepare('life', 20)
      await produce(topic, range(0, 60))
      await append(topic, [{ key: Buffer.from('k'), value: Buffer.from('not avro'), headers: [['h', null]] }])
      const run = await consumed(topic)
      assert.deepEqual([run.written, run.deadLettered], [20, 41])
      assert.deepEqual(await letters(topic, verified), [41, 41, 0])

      const list = await etlJson(['dlq', 'list', '-t', topic, '-s', kind, '--limit', '5'])
      assert.deepEqual([list.total, list.letters.length], [41, 5])
      const classes = list.counts.map((c: Record<string, unknown>) => [c.errorClass, c.state, c.letters])
      assert.deepEqual(classes, [
        ['constraint', 'pending', 40],
        ['decode', 'pending', 1],
      ])
      const text = (await etl(['dlq', 'list', '-t', topic, '-s', kind])).stdout
      assert(text.split('\n').every((line) => line.length <= 80))

      const row = await etlJson(['dlq', 'show', `${topic}/0/50`, '-s', kind])
      assert.deepEqual(JSON.parse(row.value.decoded), { id: 50, name: 'n50' })
      assert.equal(Buffer.from(row.value.base64, 'base64')[0], 0)
      const bad = await etlJson(['dlq', 'show', `${topic}/0/60`, '-s', kind])
      assert.deepEqual(
        [bad.key.decoded, bad.value.as, bad.value.decoded, bad.headers[0].name, bad.errorClass],
        ['k', 'text', 'not avro', 'h', 'decode'],
      )
      assert.equal((await etl(['dlq', 'show', `${topic}/0/1`, '-s', kind])).code, 2)

      const plan = await etlJson(['dlq', 'replay', '-t', topic, '-s', kind])
      assert.deepEqual([plan.plan.chosen, plan.executed], [41, false])
      const early = await replay(topic, '--class', 'constraint')
      assert.deepEqual([early.code, early.stored, early.failed.length], [4, 0, 40])
      await mend(topic)
      const one = await replay(topic, '--partition', '0', '--offset', '50')
      assert.deepEqual([one.code, one.stored], [0, 1])
      const late = await replay(topic)
      assert.deepEqual([late.code, late.stored, late.failed.length], [4, 39, 1])
      assert.deepEqual(await ids(topic), range(0, 60))
      assert.deepEqual(await letters(topic, verified), [41, 1, 40])

      const capped = await replay(topic, '--max-attempts', '2')
      assert.deepEqual([capped.code, capped.plan.chosen, capped.plan.atCap, capped.stored], [4, 0, 1, 0])
      const all = await etlJson(['dlq', 'list', '-t', topic, '-s', kind, '--state', 'replayed'])
      assert.equal(all.total, 40)
    })

    it('are stored once by replays at the same time, and when one is killed', async () => {
      const topic = work.topic('twice')
      await etlJson(['apply', '-t', topic, '--schema', work.schema(topic, fields), '-s', kind, '-p', '1'])
      await produce(topic, range(0, 4_000))
      // Names are no numbers: every record is dead-lettered, until it is read with the right schema.
      const wrong = work.schema(`${topic}_wrong`, [
        { name: 'id', type: 'long' },
        { name: 'name', type: 'long' },
      ])
      assert.equal((await consumed(topic, '--schema', wrong)).deadLettered, 4_000)
      const stored = async () => Number(await db.value(`SELECT count(*) FROM ${db.quote(topic)}`))
      const { child, output } = startEtl(replayArgs(topic))
      while ((await stored()) === 0) {
        assert.equal(child.exitCode, null, 'it ended before it had stored anything')
        await sleep(5)
      }
      child.kill('SIGKILL')
      await output
      const two = await Promise.all([replay(topic), replay(topic)])
      const byTwo = two.reduce((sum, { stored: n }) => sum + n, 0)
      assert(byTwo < 4_000, `the killed one had stored some, the two ${byTwo}`)
      assert.deepEqual(await ids(topic), range(0, 4_000))
      assert.deepEqual(await letters(topic, verified), [4_000, 0, 4_000])
    })

    it('do not bring back a key that was deleted since, nor an older value', async () => {
      const topic = await prepare('deleted', 100, '--key', 'id', '--provenance')
      await produce(topic, [101, 102, 103], '--key', 'id')
      await consumed(topic)
      await mend(topic)
      await append(topic, [{ key: Buffer.from('101'), value: null }])
      await etlJson(['produce', '-', '-t', topic, '--format', 'ndjson', '--key', 'id'], {
        input: '{"id":102,"name":"new"}\n',
      })
      await consumed(topic)
      const run = await replay(topic)
      assert.deepEqual([run.code, run.mode, run.stored, run.superseded], [0, 'upsert', 1, 2])
      assert.deepEqual(await db.rows(`SELECT id, name FROM ${db.quote(topic)} ORDER BY id`), [
        ['102', 'new'],
        ['103', 'n103'],
      ])
      await verified(topic)
    })

    it('are missed by verify-offsets when they are gone', async () => {
      const topic = await prepare('gone', 1)
      await produce(topic, [0, 1, 2])
      await consumed(topic)
      await db.rows(`DELETE FROM etl_dead_letters WHERE topic = '${topic}' AND ${db.quote('offset')} = 1`)
      const { code, stdout } = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json'])
      assert.deepEqual([code, JSON.parse(stdout).reports[0].totals.lost], [3, 1])
    })

    it('are copied to --dlq-topic, with headers that say where they come from', async () => {
      const topic = await prepare('copied', 100)
      const copies = work.topic('copies')
      const admin = openAdmin(client())
      await admin.createTopic({ name: copies, partitions: 1, replicationFactor: 1, config: new Map() })
      await admin.close()
      await append(topic, [
        { key: Buffer.from('k'), value: Buffer.from('not avro'), headers: [['h', Buffer.from('v')]] },
      ])
      await produce(topic, [100])
      assert.equal((await consumed(topic, '--dlq-topic', copies)).deadLettered, 2)
      const [first, second, ...more] = await readAll(copies)
      assert.deepEqual(more, [])
      assert.deepEqual([first?.key?.toString(), first?.value?.toString()], ['k', 'not avro'])
      const headers = first?.headers.map(([name, value]) => [name, value?.toString()])
      assert.deepEqual(headers?.slice(0, 6), [
        ['h', 'v'],
        ['etl.dlq.topic', topic],
        ['etl.dlq.partition', '0'],
        ['etl.dlq.offset', '0'],
        ['etl.dlq.group', `etl-${topic}-${kind}-${servers()[kind].database}`],
        ['etl.dlq.error.class', 'decode'],
      ])
      const names = second?.headers.map(([name]) => name)
      assert(names?.includes('etl.dlq.schema.id') && names.includes('etl.dlq.error.message'))

      const nowhere = await consume(topic, '--dlq-topic', `${copies}_none`)
      const itself = await consume(topic, '--dlq-topic', topic)
      assert.deepEqual([nowhere.code, itself.code], [78, 78])
      assert.match(nowhere.stdout, /does not exist/)
    })

    it('are none with --on-error stop: everything before the record is stored, and the error names it', async () => {
      const topic = await prepare('stop', 100)
      await produce(topic, [0, 1, 2, 200, 3])
      const { code, stdout, stderr } = await consume(topic, '--on-error', 'stop')
      assert.equal(code, 2, stderr)
      const [partition] = JSON.parse(stdout).partitions
      assert.deepEqual([partition.state, partition.offset, partition.written], ['failed', 3, 3])
      assert.match(stderr, new RegExp(`${topic}-0 offset 3`))
      assert.match(stderr, /constraint: .*\n {2}next:/)
      assert.deepEqual(await ids(topic), [0, 1, 2])
      await mend(topic)
      await consumed(topic, '--on-error', 'stop')
      assert.deepEqual(await ids(topic), [0, 1, 2, 3, 200])
      await verified(topic)
    })

    it('name the field of a value that the schema of the table cannot take', async () => {
      const topic = await prepare('field', 100)
      await produce(topic, [1])
      const narrow = work.schema(`${topic}_narrow`, [
        { name: 'id', type: 'long' },
        { name: 'name', type: 'boolean' },
      ])
      const { code, stderr } = await consume(topic, '--on-error', 'stop', '--schema', narrow)
      assert.equal(code, 2)
      assert.match(stderr, /why: .*\bname\b/)
    })
  })

async function letters(
  topic: string,
  verified: (topic: string) => Promise<Record<string, number>>,
): Promise<(number | undefined)[]> {
  const { deadLettered, lettersPending, lettersReplayed } = await verified(topic)
  return [deadLettered, lettersPending, lettersReplayed]
}

async function append(topic: string, records: OutRecord[]): Promise<void> {
  const producer = openProducer(client(), { clientId: 'test' })
  await producer.send(topic, 0, records)
  await producer.close()
}

async function readAll(topic: string): Promise<KafkaRecord[]> {
  const admin = openAdmin(client())
  const reader = openPartitionReader(client())
  const records: KafkaRecord[] = []
  try {
    const end = (await admin.endOffsets(topic)).get(0) ?? 0n
    for await (const batch of reader.read({ topic, partition: 0 }, 0n, end)) records.push(...batch.records)
  } finally {
    await Promise.all([admin.close(), reader.close()])
  }
  return records
}
