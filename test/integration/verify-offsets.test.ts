import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import kafkajs from 'kafkajs'
import { openAdmin } from '../../src/kafka/open.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

interface Finding {
  cause: string
  severity: string
}

for (const kind of kinds)
  describe(`etl verify-offsets, ${kind}`, () => {
    const work = new Workspace(`verify_${kind}`)
    let db: Database

    before(async () => {
      db = await openDatabase(kind)
    })
    after(async () => {
      await db.close()
      await work.remove()
    })

    const schema = () => work.schema('row', [{ name: 'id', type: 'int' }])
    const apply = (topic: string) =>
      etlJson(['apply', '-t', topic, '--schema', schema(), '-s', kind, '-p', '2'])
    const consume = (topic: string) => etlJson(['consume', '-t', topic, '-s', kind, '--until-end'])
    const stored = async (name: string) => {
      const topic = work.topic(name)
      await apply(topic)
      await etlJson(['produce', '-t', topic, '--generate', '100', '--seed', '7'])
      await consume(topic)
      return topic
    }
    /** Exit code, and the causes that are more than a note. */
    const verify = async (topic: string, ...flags: string[]) => {
      const { code, stdout } = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json', ...flags])
      const report = JSON.parse(stdout).reports[0]
      const findings = [
        ...report.findings,
        ...report.partitions.flatMap((p: { findings: Finding[] }) => p.findings),
      ]
      const causes = findings.filter((f: Finding) => f.severity !== 'note').map((f: Finding) => f.cause)
      return { code, causes: [...new Set(causes)], totals: report.totals, report }
    }
    const sql = (text: string) => db.rows(text)
    const offset = () => db.quote('offset')

    it('does not take transaction markers and aborted records for a loss', async () => {
      const topic = work.topic('transactions')
      await apply(topic)
      const value = Buffer.from([0, 0, 0, 0, 0, 2])
      const { stdout } = await etl(['schema', 'register', schema(), '--topic', topic, '--json'])
      value.writeUInt32BE(JSON.parse(stdout).registered[0].id, 1)
      const producer = new kafkajs.Kafka({
        brokers: servers().kafka,
        logLevel: 0,
        retry: { initialRetryTime: 10, retries: 50 },
      }).producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
      await producer.connect()
      for (const outcome of ['commit', 'abort', 'commit', 'abort'] as const) {
        const transaction = await producer.transaction()
        await transaction.send({
          topic,
          messages: Array.from({ length: 10 }, () => ({ value, partition: 0 })),
        })
        await transaction[outcome]()
      }
      await producer.disconnect()
      const run = await consume(topic)
      assert.deepEqual([run.written, run.deadLettered], [20, 0])
      const { code, totals, report } = await verify(topic)
      assert.equal(code, 0)
      assert.deepEqual(
        [totals.inLog, report.partitions[0].aborted, report.partitions[0].markers],
        [20, 20, 4],
      )
      assert.equal(report.partitions[0].offset, 44)
    })

    it('says behind for lag, and ok once it is gone', async () => {
      const topic = await stored('lag')
      await etlJson(['produce', '-t', topic, '--generate', '10', '--seed', '8'])
      const late = await verify(topic, '--wait', '1s')
      assert.deepEqual([late.code, late.causes, late.totals.lag], [4, ['behind'], 10])
      await consume(topic)
      assert.equal((await verify(topic)).code, 0)
    })

    it('finds a row that is gone', async () => {
      const topic = await stored('gone')
      await sql(`DELETE FROM ${db.quote(topic)} WHERE kafka_partition = 0 AND kafka_offset = 3`)
      const { code, causes, totals } = await verify(topic)
      assert.deepEqual([code, causes, totals.lost], [3, ['lost'], 1])
    })

    it('finds a row too many', async () => {
      const topic = await stored('many')
      await sql(`INSERT INTO ${db.quote(topic)} (id, kafka_partition, kafka_offset) VALUES (1, 0, 9999)`)
      const { code, causes, totals } = await verify(topic)
      assert.deepEqual([code, causes, totals.doubled], [3, ['doubled'], 1])
    })

    it('finds an offset that skipped records', async () => {
      const topic = await stored('skipped')
      await etlJson(['produce', '-t', topic, '--generate', '10', '--seed', '8'])
      await sql(`UPDATE kafka_offsets SET ${offset()} = ${offset()} + 5 WHERE topic = '${topic}'`)
      const { code, causes, totals } = await verify(topic)
      assert.deepEqual([code, causes.sort(), totals.lost], [3, ['hole_in_ledger', 'lost'], 10])
    })

    it('finds an offset beyond the log, and a batch missing in the ledger', async () => {
      const topic = await stored('ahead')
      await sql(
        `UPDATE kafka_offsets SET ${offset()} = 5000 WHERE topic = '${topic}' AND ${db.quote('partition')} = 0`,
      )
      assert.ok((await verify(topic)).causes.includes('offset_ahead'))
      const other = await stored('ledger')
      await sql(`UPDATE etl_ledger SET next_offset = next_offset - 1 WHERE topic = '${other}'`)
      const { code } = await verify(other)
      assert.equal(code, 3)
    })

    it('finds a topic that was created again, and the consumer refuses it too', async () => {
      const topic = await stored('again')
      const admin = openAdmin({ brokers: servers().kafka, clientId: 'test' })
      await admin.deleteTopic(topic)
      while (await admin.topic(topic)) await new Promise((resolve) => setTimeout(resolve, 50))
      await admin.close()
      await apply(topic)
      const { code, causes } = await verify(topic)
      assert.equal(code, 3)
      assert.ok(causes.includes('topic_recreated'), causes.join())
      const run = await etl(['consume', '-t', topic, '-s', kind, '--until-end', '--json'])
      assert.equal(run.code, 78)
      assert.match(JSON.parse(run.stdout).error.message, /beyond the end of the log/)
      await etlJson(['produce', '-t', topic, '--generate', '200', '--seed', '9'])
      const longer = await etl(['consume', '-t', topic, '-s', kind, '--until-end', '--json'])
      assert.equal(longer.code, 78)
      assert.equal(JSON.parse(longer.stdout).partitions[0].error.code, 'identity')
    })

    it('raises no false alarm while a consumer runs', async () => {
      const topic = work.topic('running')
      await apply(topic)
      await etlJson(['produce', '-t', topic, '--generate', '20000', '--seed', '3'])
      const consumer = startEtl([
        'consume',
        '-t',
        topic,
        '-s',
        kind,
        '--until-end',
        '--batch-records',
        '10',
        '--json',
      ])
      const codes: (number | null)[] = []
      while (consumer.child.exitCode === null) codes.push((await verify(topic)).code)
      assert.equal((await consumer.output).code, 0)
      assert.ok(codes.length > 2)
      assert.deepEqual(
        [...new Set(codes)].filter((code) => code !== 0 && code !== 4),
        [],
      )
    })

    it('writes JUnit XML with a failure for each partition that is not right', async () => {
      const topic = await stored('junit')
      await sql(`DELETE FROM ${db.quote(topic)} WHERE kafka_partition = 1 AND kafka_offset = 0`)
      const file = join(work.dir, 'verify.xml')
      await verify(topic, '--junit', file)
      const xml = readFileSync(file, 'utf8')
      assert.match(xml, /<testsuites tests="3" failures="1">/)
      assert.match(xml, /name="partition 1">\s*<failure type="lost" message="49 rows, the ledger wrote 50">/)
    })

    it('says which partitions a group never claimed', async () => {
      const topic = await stored('unclaimed')
      const { code, causes } = await verify(topic, '--group', 'nobody')
      assert.deepEqual([code, causes], [4, ['unclaimed']])
    })
  })
