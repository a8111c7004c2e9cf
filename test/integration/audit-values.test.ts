import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { AuditDataset, faults, finding, groupOf } from './audit-fixture.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const optional = (type: unknown) => ({ type: ['null', type], default: null })
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })

/** A field of every type and logical type. */
const fields = [
  { name: 'flag', ...optional('boolean') },
  { name: 'small', ...optional('int') },
  { name: 'big', ...optional('long') },
  { name: 'single', ...optional('float') },
  { name: 'wide', ...optional('double') },
  { name: 'text', ...optional('string') },
  { name: 'raw', ...optional('bytes') },
  { name: 'four', ...optional({ type: 'fixed', name: 'Four', size: 4 }) },
  { name: 'color', ...optional({ type: 'enum', name: 'Color', symbols: ['RED', 'GREEN'] }) },
  { name: 'amount', ...optional(logical('bytes', 'decimal', { precision: 30, scale: 10 })) },
  {
    name: 'cents',
    ...optional({ type: 'fixed', name: 'Cents', size: 5, logicalType: 'decimal', precision: 9, scale: 2 }),
  },
  { name: 'who', ...optional(logical('string', 'uuid')) },
  { name: 'day', ...optional(logical('int', 'date')) },
  { name: 'clock', ...optional(logical('int', 'time-millis')) },
  { name: 'clock6', ...optional(logical('long', 'time-micros')) },
  { name: 'at3', ...optional(logical('long', 'timestamp-millis')) },
  { name: 'at6', ...optional(logical('long', 'timestamp-micros')) },
  { name: 'at9', ...optional(logical('long', 'timestamp-nanos')) },
  { name: 'local3', ...optional(logical('long', 'local-timestamp-millis')) },
  { name: 'local6', ...optional(logical('long', 'local-timestamp-micros')) },
  { name: 'list', ...optional({ type: 'array', items: ['null', 'long', 'string'] }) },
  { name: 'pairs', ...optional({ type: 'map', values: 'double' }) },
  { name: 'either', type: ['null', 'long', 'string'], default: null },
  {
    name: 'inner',
    ...optional({
      type: 'record',
      name: 'Inner',
      fields: [
        { name: 'x', type: 'float' },
        { name: 'when', type: ['null', logical('long', 'timestamp-micros')], default: null },
        {
          name: 'sum',
          type: ['null', logical('bytes', 'decimal', { precision: 8, scale: 3 })],
          default: null,
        },
        { name: 'next', type: ['null', 'Inner'], default: null },
      ],
    }),
  },
]

const rows: readonly Record<string, unknown>[] = [
  {},
  { flag: true, small: 2147483647, text: '', raw: '', list: [], pairs: {}, either: 'x', color: 'RED' },
  { flag: false, small: -2147483648, text: '😀 ünï \\ \' " \t\n', raw: 'AP+A', four: '3q2+7w==', either: 5 },
  { single: 0.1, wide: 0.1, amount: '12345678901234567890.0123456789', cents: '-0.01', color: 'GREEN' },
  { single: -3.4028234663852886e38, wide: 5e-324, amount: '-0.5', cents: '1000' },
  { wide: 1.7976931348623157e308, single: 1e-45, amount: '0' },
  { wide: 1e21, single: 16777216, who: '01234567-89AB-cdef-0123-456789abcdef', day: '1970-01-01' },
  { day: '0001-01-01', clock: '00:00:00', clock6: '23:59:59.999999', at3: '1969-12-31T23:59:59.999Z' },
  { day: '9999-12-31', clock: '12:34:56.7', clock6: '00:00:00.1', at6: '2024-03-31T01:59:59.000001Z' },
  { at6: '1000-01-01T00:00:00Z', local3: '2024-02-29T12:00:00.5', local6: '1582-10-10T00:00:00.000001' },
  { at9: '2024-02-29T12:00:00.123456789Z', at3: '9999-12-31T23:59:59.999Z' },
  { list: [null, 1, 'one'], pairs: { b: 1.5, a: -2, 'z"': 1e100 }, inner: { x: 0.1 } },
  {
    inner: {
      x: 1,
      when: '2024-01-01T00:00:00.000100Z',
      sum: '1.5',
      next: { x: -0.5, next: { x: 3, sum: '-12345.678' } },
    },
  },
]
/** Beyond what JSON.stringify can write. */
const exact = [
  '{"big":9223372036854775807,"list":[9223372036854775807]}',
  '{"big":-9223372036854775808,"wide":-0.0}',
]

for (const kind of kinds)
  describe(`audit raises no false alarm, ${kind}`, () => {
    const work = new Workspace(`audit_values_${kind}`)
    let db: Database

    before(async () => {
      db = await openDatabase(kind)
    })
    after(async () => {
      await db.close()
      await work.remove()
    })
    const q = (name: string) => db.quote(name)
    const text = [...rows.map((row) => JSON.stringify(row)), ...exact].join('\n')
    const total = BigInt(rows.length + exact.length)

    for (const flatten of [false, true])
      it(`on every type and logical type${flatten ? ', flattened' : ''}`, async () => {
        const data = new AuditDataset(work, kind, `types_${flatten}`)
        await data.apply(fields, { partitions: 1, flatten })
        await data.produce(text)
        const { progress } = await data.consume()
        assert.equal(BigInt(progress.written), total)
        const report = await data.audit()
        assert.deepEqual(faults(report), [], JSON.stringify(finding(report, 'altered')?.examples))
        assert.equal(report.totals.rows, total)
        if (flatten) return
        // Each column is really looked at: a change in any of them is found and named.
        const columns = fields.map(({ name }) => name).filter((name) => name !== 'flag')
        for (const [i, column] of columns.entries()) {
          const where = `kafka_offset = (SELECT kafka_offset FROM (SELECT MIN(kafka_offset) AS kafka_offset FROM ${q(data.topic)} WHERE ${q(column)} IS NOT NULL AND kafka_offset > 0) t)`
          const [place] = await db.rows(`SELECT kafka_offset FROM ${q(data.topic)} WHERE ${where}`)
          await db.rows(`UPDATE ${q(data.topic)} SET ${q(column)} = NULL WHERE ${where}`)
          const changed = await data.audit()
          const examples = finding(changed, 'altered')?.examples ?? []
          assert.ok(
            examples.some(({ offset, found }) => String(offset) === place?.[0] && found === null),
            `${column} ${i}`,
          )
        }
      })

    it('on three versions of a schema in one topic, old ones read with the new defaults', async () => {
      const data = new AuditDataset(work, kind, 'versions')
      const id = { name: 'id', type: 'int' }
      const versions = [
        [
          id,
          { name: 'at', type: logical('long', 'timestamp-millis') },
          { name: 'old', ...optional('string') },
        ],
        [
          id,
          { name: 'at', type: logical('long', 'timestamp-millis') },
          { name: 'old', ...optional('string') },
          { name: 'note', type: 'string', default: 'none' },
        ],
        [
          { name: 'id', type: 'long' },
          { name: 'at', type: logical('long', 'timestamp-micros') },
          { name: 'note', type: 'string', default: 'none' },
          { name: 'tags', type: { type: 'array', items: 'string' }, default: ['a', 'b'] },
          { name: 'mood', type: { type: 'enum', name: 'Mood', symbols: ['GOOD', 'BAD'] }, default: 'BAD' },
          { name: 'raw', type: 'bytes', default: '\u00ff' },
          {
            name: 'price',
            type: logical('bytes', 'decimal', { precision: 5, scale: 2 }),
            default: '\u0001\u0000',
          },
        ],
      ]
      for (const [i, version] of versions.entries()) {
        await data.apply(version, { partitions: 1 })
        const row = { id: i, at: '2024-01-01T00:00:00.123Z', note: `v${i}`, raw: '', price: 1 }
        const known = version.map(({ name }) => [name, row[name as keyof typeof row]])
        await data.produce([Object.fromEntries(known)])
      }
      const { progress } = await data.consume()
      assert.equal(progress.written, 3)
      const report = await data.audit()
      assert.deepEqual([report.verdict, report.totals.rows], ['ok', 3n])
    })

    it('on transaction markers, aborted records and dead letters', async () => {
      const data = new AuditDataset(work, kind, 'log')
      const { topic } = data
      await data.apply([{ name: 'id', type: 'int' }], { partitions: 1 })
      const latest = await openRegistry({ url: servers().registryUrl }).latest(`${topic}-value`)
      const value = (id: number) => {
        const bytes = Buffer.from([0, 0, 0, 0, 0, id * 2])
        bytes.writeUInt32BE(latest?.id ?? 0, 1)
        return bytes
      }
      const kafka = new kafkajs.Kafka({
        brokers: servers().kafka,
        logLevel: 0,
        retry: { initialRetryTime: 10, retries: 50 },
      })
      const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
      await producer.connect()
      for (const outcome of ['commit', 'abort', 'commit', 'abort'] as const) {
        const transaction = await producer.transaction()
        const ids = Array.from({ length: 20 }, (_, id) => ({ value: value(id) }))
        await transaction.send({ topic, messages: ids })
        await transaction[outcome]()
      }
      const transaction = await producer.transaction()
      await transaction.send({
        topic,
        messages: [
          { value: value(1) },
          { value: Buffer.from('no avro') },
          { value: null },
          { value: value(2) },
        ],
      })
      await transaction.commit()
      await producer.disconnect()
      await data.consume()
      const report = await data.audit()
      assert.deepEqual([report.verdict, faults(report)], ['ok', []])
      const { inLog, rows: stored, deadLettered } = report.totals
      assert.deepEqual([inLog, stored, deadLettered], [44n, 42n, 2n])
      // An aborted record in the table is what a reader that does not know transactions would store.
      await db.rows(`INSERT INTO ${q(topic)} (id, kafka_partition, kafka_offset) VALUES (1, 0, 25)`)
      assert.deepEqual(faults(await data.audit()), ['foreign 1'])
      await db.rows(`DELETE FROM ${q(topic)} WHERE kafka_offset = 25`)
      await db.rows(`DELETE FROM etl_dead_letters WHERE topic = '${topic}' AND ${q('offset')} > 85`)
      assert.deepEqual(faults(await data.audit()), ['lost 1'])
      const other = await data.audit({ group: `${groupOf(topic, kind)}-other` })
      assert.deepEqual(faults(other), ['unclaimed 89'])
      assert.equal(other.verdict, 'behind')
    })

    it('on a group that began late, and on records that left the log', async () => {
      const data = new AuditDataset(work, kind, 'late')
      const { topic } = data
      const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ id: from + i }))
      await data.apply([{ name: 'id', type: 'int' }], { partitions: 1 })
      await data.produce(ids(0, 50))
      await data.consume({ from: 'latest' })
      await data.produce(ids(50, 30))
      await data.consume({ batchRecords: 10 })
      const late = await data.audit()
      assert.deepEqual([late.verdict, late.totals.inLog, late.totals.rows], ['ok', 80n, 30n])
      assert.equal(finding(late, 'not_read')?.count, 50n)
      await deleteRecords(topic, '65')
      const expired = await data.audit()
      assert.deepEqual([expired.verdict, expired.totals.inLog], ['ok', 15n])
      assert.equal(finding(expired, 'expired')?.count, 15n)
      await db.rows(`DELETE FROM ${q(topic)} WHERE id = 70`)
      assert.deepEqual(faults(await data.audit()), ['lost 1'])
      // The ledger's first batch, gone, is in front of the log's start; the next one is missed.
      await db.rows(`DELETE FROM etl_ledger WHERE topic = '${topic}' AND first_offset = 70`)
      assert.deepEqual(faults(await data.audit()), ['hole_in_ledger 1', 'lost 1'])
    })

    it('on deletions, rewritten keys and keys that moved to another partition', async () => {
      const data = new AuditDataset(work, kind, 'keys')
      const { topic } = data
      const key = { name: 'k', type: 'string' }
      await data.apply([key, { name: 'v', type: 'int' }], { partitions: 3, key: 'k' })
      const row = (k: string, v: number) => ({ k, v })
      const keys = ['', 'a', 'A', 'a ', 'ä', '😀', "'", '0', '00', 'null', '1e1']
      await data.produce(
        keys.map((k, i) => row(k, i)),
        'k',
      )
      const kafka = new kafkajs.Kafka({ brokers: servers().kafka, logLevel: 0 })
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({
        topic,
        messages: ['A', '😀', 'never there'].map((k) => ({ key: k, value: null })),
      })
      await producer.disconnect()
      await data.produce([row('a', 100), row('A', 101), row('a', 102)], 'k')
      // By no key: anywhere.
      await data.produce([row('0', 200), row('00', 201), row('0', 202), row('ä', 203)])
      await data.consume()
      const report = await data.audit()
      assert.deepEqual(faults(report), [])
      assert.deepEqual([report.totals.inLog, report.totals.rows], [21n, 10n])
      // A row that a deletion should have taken away.
      await db.rows(`INSERT INTO ${q(topic)} VALUES ('😀', 5)`)
      const undead = await data.audit()
      assert.deepEqual(faults(undead), ['foreign 1'])
      assert.equal(finding(undead, 'foreign')?.examples[0]?.key, '😀')
    })
  })

async function deleteRecords(topic: string, offset: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: servers().kafka, logLevel: 0 }).admin()
  await admin.connect()
  try {
    // kafkajs looks for the leader only among topics that it has been asked for.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] })
  } finally {
    await admin.disconnect()
  }
}

it('audits a compacted topic: keyed tables in full, append tables with a note', async (t) => {
  const work = new Workspace('audit_compacted')
  const keyed = new AuditDataset(work, 'postgres', 'compacted')
  const placed = new AuditDataset(work, 'mysql', keyed.topic, keyed.topic)
  t.after(() => work.remove())
  const fields = [
    { name: 'k', type: 'string' },
    { name: 'v', type: 'int' },
  ]
  const topicConfig = {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.001',
    'segment.ms': '100',
    'segment.bytes': '1048576',
    'min.compaction.lag.ms': '0',
    'max.compaction.lag.ms': '1',
  }
  await keyed.apply(fields, { partitions: 1, key: 'k', topicConfig })
  await placed.apply(fields, { partitions: 1, topicConfig })
  for (const v of [1, 2, 3]) {
    await keyed.produce(
      ['a', 'b', 'c'].map((k) => ({ k, v })),
      'k',
    )
    await sleep(150)
  }
  for (const data of [keyed, placed]) await data.consume()
  // The cleaner leaves the newest segment alone.
  while ((await keyed.audit()).totals.inLog > 5n) {
    await keyed.produce([{ k: 'roll', v: 0 }], 'k')
    await sleep(500)
  }
  const behind = await keyed.audit()
  assert.deepEqual(
    faults(behind).map((fault) => fault.replace(/ \d+$/, '')),
    ['behind'],
  )
  const compacted = await placed.audit()
  assert.equal(compacted.totals.lost, 0n)
  assert.ok((finding(compacted, 'compacted')?.count ?? 0n) >= 4n)
  for (const data of [keyed, placed]) await data.consume()
  for (const data of [keyed, placed]) assert.equal((await data.audit()).verdict, 'ok')
})
