import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AuditDataset, faults, finding, groupOf } from './audit-fixture.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl } from './etl.ts'
import { Workspace } from './workspace.ts'

const fields = [
  { name: 'id', type: 'long' },
  { name: 'name', type: ['null', 'string'], default: null },
  { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
]
const rows = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => ({
    id: from + i,
    name: i % 5 === 0 ? null : `n ${from + i}`,
    price: `${from + i}.5`,
  }))

for (const kind of kinds)
  describe(`audit, ${kind}`, () => {
    const work = new Workspace(`audit_${kind}`)
    let db: Database

    before(async () => {
      db = await openDatabase(kind)
    })
    after(async () => {
      await db.close()
      await work.remove()
    })
    const q = (name: string) => db.quote(name)

    it('names every fault of an append table that says where its rows come from', async () => {
      const data = new AuditDataset(work, kind, 'place')
      const table = q(data.topic)
      await data.apply(fields, { partitions: 2 })
      await data.produce(rows(1000))
      await data.consume({ batchRecords: 100 })
      const clean = await data.audit()
      assert.deepEqual([clean.verdict, clean.method, faults(clean)], ['ok', 'place', []])
      assert.deepEqual([clean.totals.inLog, clean.totals.rows], [1000n, 1000n])

      await db.rows(`DELETE FROM ${table} WHERE kafka_partition = 0 AND kafka_offset IN (10, 11, 300)`)
      const lost = await data.audit()
      assert.deepEqual(faults(lost), ['lost 3'])
      assert.deepEqual(
        finding(lost, 'lost')?.examples.map(({ partition, offset }) => [partition, offset]),
        [
          [0, 10n],
          [0, 11n],
          [0, 300n],
        ],
      )
      assert.equal(lost.totals.lost, 3n)

      await db.rows(`UPDATE ${table} SET name = 'x' WHERE kafka_partition = 1 AND kafka_offset = 7`)
      await db.rows(
        `INSERT INTO ${table} (id, price, kafka_partition, kafka_offset) VALUES (1, 2, 1, 5000), (1, 2, 1, -1), (1, 2, 9, 1)`,
      )
      const key = kind === 'postgres' ? `CONSTRAINT ${q(`${data.topic}_pkey`)}` : 'PRIMARY KEY'
      await db.rows(`ALTER TABLE ${table} DROP ${key}`)
      await db.rows(
        `INSERT INTO ${table} SELECT * FROM ${table} WHERE kafka_partition = 1 AND kafka_offset = 20`,
      )
      await db.rows(
        `DELETE FROM etl_ledger WHERE topic = '${data.topic}' AND first_offset BETWEEN 150 AND 250`,
      )
      const all = await data.audit()
      const holes = finding(all, 'hole_in_ledger')
      assert.deepEqual(
        faults(all).filter((fault) => !fault.includes('ledger')),
        ['altered 1', 'doubled 1', 'foreign 1', 'foreign 2', 'lost 3'],
      )
      assert.ok(holes && holes.count >= 1n)
      assert.equal(all.verdict, 'failed')
      const altered = finding(all, 'altered')?.examples[0]
      assert.deepEqual(
        [altered?.partition, altered?.offset, altered?.column, altered?.found],
        [1, 7n, 'name', 'x'],
      )
      assert.equal(finding(all, 'doubled')?.examples[0]?.offset, 20n)
      assert.equal(all.totals.foreign, 3n)
    })

    it('names every fault of a table that holds the last record of each key', async () => {
      const data = new AuditDataset(work, kind, 'key')
      const table = q(data.topic)
      await data.apply(fields, { partitions: 2, key: 'id' })
      await data.produce(rows(300), 'id')
      await data.consume()
      await data.produce(rows(100, 200), 'id')
      await data.consume()
      const clean = await data.audit({ keys: 60 })
      assert.deepEqual([clean.verdict, clean.method, faults(clean)], ['ok', 'key', []])
      const { inLog, rows: stored, superseded } = clean.totals
      assert.deepEqual([inLog, stored, superseded], [400n, 300n, 100n])
      const whole = await data.audit()
      assert.deepEqual(whole.partitions, clean.partitions)

      await db.rows(`DELETE FROM ${table} WHERE id IN (3, 250)`)
      await db.rows(`UPDATE ${table} SET price = price + 1 WHERE id = 7`)
      await db.rows(`UPDATE ${table} SET name = NULL WHERE id = 211`)
      await db.rows(`INSERT INTO ${table} (id, price) VALUES (-9, 1)`)
      for (const keys of [undefined, 60]) {
        const report = await data.audit({ keys })
        assert.equal(report.verdict, 'failed')
        const { lost, altered, foreign, doubled } = report.totals
        assert.deepEqual(
          { lost, altered, foreign, doubled },
          { lost: 2n, altered: 2n, foreign: 1n, doubled: 0n },
        )
        assert.equal(finding(report, 'foreign')?.examples[0]?.key, '-9')
        const changed = report.partitions
          .flatMap((p) => p.findings)
          .filter(({ cause }) => cause === 'altered')
          .flatMap(({ examples }) => examples)
          .map(({ key, column, expected, found }) => [key, column, expected, found])
          .sort()
        assert.deepEqual(changed, [
          ['211', 'name', 'n 211', null],
          ['7', 'price', '7.5', '8.5'],
        ])
      }
    })

    it('sees that a row of a key with a place is of an older record', async () => {
      const data = new AuditDataset(work, kind, 'stale')
      const table = q(data.topic)
      await data.apply(fields, { partitions: 1, key: 'id', provenance: true })
      await data.produce([...rows(10), ...rows(10)], 'id')
      await data.consume()
      assert.equal((await data.audit()).verdict, 'ok')
      await db.rows(`UPDATE ${table} SET kafka_offset = 4 WHERE id = 4`)
      await db.rows(`UPDATE ${table} SET kafka_offset = 99 WHERE id = 5`)
      await db.rows(`UPDATE ${table} SET price = 0 WHERE id = 6`)
      const report = await data.audit()
      assert.deepEqual(faults(report), ['altered 1', 'foreign 1', 'lost 1'])
      assert.deepEqual(finding(report, 'lost')?.examples, [
        { partition: 0, offset: 14n, key: '4', expected: 'offset 14', found: 'offset 4' },
      ])
      assert.equal(finding(report, 'altered')?.examples[0]?.column, 'price')
    })

    it('compares values alone where nothing says what a row comes from', async () => {
      const data = new AuditDataset(work, kind, 'values')
      const table = q(data.topic)
      await data.apply(fields, { partitions: 2, provenance: false })
      await data.produce([...rows(500), ...rows(20)])
      await data.consume()
      const clean = await data.audit()
      assert.deepEqual([clean.verdict, clean.method, faults(clean)], ['ok', 'values', []])
      await db.rows(`DELETE FROM ${table} WHERE id = 100`)
      await db.rows(`UPDATE ${table} SET price = 1 WHERE id = 200`)
      await db.rows(`INSERT INTO ${table} SELECT * FROM ${table} WHERE id = 300`)
      await db.rows(`INSERT INTO ${table} (id, name, price) VALUES (-5, 'who', 3)`)
      const report = await data.audit()
      assert.deepEqual(faults(report), ['altered 1', 'doubled 1', 'foreign 1', 'lost 1'])
      assert.equal(finding(report, 'foreign')?.examples[0]?.found, '-5, who, 3')
      const [changed] = finding(report, 'altered')?.examples ?? []
      assert.deepEqual([changed?.column, changed?.expected, changed?.found], ['price', '200.5', '1'])
    })

    it('raises no false alarm while a consumer runs, on append and on keyed tables', async () => {
      for (const key of [undefined, 'id']) {
        const data = new AuditDataset(work, kind, `running_${key}`)
        await data.apply(fields, key === undefined ? { partitions: 2 } : { partitions: 2, key })
        await data.produce([...rows(2000), ...rows(2000)], key)
        let done = false
        const consumer = data.consume({ batchRecords: 20 }).finally(() => {
          done = true
        })
        const verdicts: string[] = []
        while (!done) {
          const report = await data.audit()
          assert.deepEqual(
            faults(report).filter((fault) => !/^(behind|unclaimed) /.test(fault)),
            [],
          )
          verdicts.push(report.verdict)
        }
        await consumer
        assert.equal((await data.audit()).verdict, 'ok')
        assert.ok(verdicts.includes('behind'), verdicts.join())
      }
    })

    it('checks the order in which rows were inserted by a column that counts them', async () => {
      const data = new AuditDataset(work, kind, 'order')
      const table = q(data.topic)
      await data.apply(fields, { partitions: 1 })
      const serial = kind === 'postgres' ? 'BIGSERIAL' : 'BIGINT UNIQUE AUTO_INCREMENT'
      await db.rows(`ALTER TABLE ${table} ADD COLUMN turn ${serial}`)
      await data.produce(rows(100))
      await data.consume({ batchRecords: 30 })
      const clean = await data.audit({ orderColumn: 'turn' })
      assert.deepEqual(faults(clean), [])
      await db.rows(`UPDATE ${table} SET turn = 1000 WHERE kafka_offset = 40`)
      const report = await data.audit({ orderColumn: 'turn' })
      assert.deepEqual(faults(report), ['out_of_order 1'])
      assert.equal(finding(report, 'out_of_order')?.examples[0]?.offset, 41n)
      assert.equal(report.totals.outOfOrder, 1n)
    })

    it('counts ledger batches that overlap as out of order, and one that lies about what it read', async () => {
      const data = new AuditDataset(work, kind, 'ledger')
      await data.apply(fields, { partitions: 1 })
      await data.produce(rows(100))
      await data.consume({ batchRecords: 20 })
      const ledger = `etl_ledger SET %s WHERE topic = '${data.topic}' AND first_offset = 40`
      const change = (set: string) => db.rows(`UPDATE ${ledger.replace('%s', set)}`)
      await change(`${q('read')} = 21, written = 21`)
      assert.deepEqual(faults(await data.audit()), ['ledger_differs 1'])
      await change(`${q('read')} = 20`)
      assert.deepEqual(faults(await data.audit()), ['ledger_unbalanced 1'])
      await change('written = 20, next_offset = 65')
      const report = await data.audit()
      assert.deepEqual(faults(report), ['out_of_order 1'])
      assert.equal(finding(report, 'out_of_order')?.examples[0]?.offset, 60n)
      await change('next_offset = 60')
      await db.rows(`DELETE FROM etl_ledger WHERE topic = '${data.topic}' AND first_offset = 0`)
      assert.deepEqual(faults(await data.audit()), ['hole_in_ledger 1'])
    })

    it('stops where it is told to, and knows a replayed letter from one that waits', async () => {
      const data = new AuditDataset(work, kind, 'letters')
      await data.apply(fields, { partitions: 1 })
      await data.produce(rows(50))
      await data.consume()
      await db.rows(`DELETE FROM ${q(data.topic)} WHERE kafka_offset IN (3, 4, 30)`)
      const letter = (offset: number, replayed: string) =>
        db.rows(
          `INSERT INTO etl_dead_letters (topic, ${q('partition')}, ${q('offset')}, consumer_group, headers,
             record_timestamp, error_class, error_message, replayed_at)
           VALUES ('${data.topic}', 0, ${offset}, '${groupOf(data.topic, kind)}', '[]', 0, 'x', 'x', ${replayed})`,
        )
      await letter(3, 'NULL')
      await letter(4, 'CURRENT_TIMESTAMP')
      await letter(5, 'CURRENT_TIMESTAMP')
      const report = await data.audit({ until: new Map([[0, 25n]]) })
      assert.deepEqual(faults(report), ['lost 1'])
      assert.equal(finding(report, 'lost')?.examples[0]?.offset, 4n)
      const { inLog, deadLettered, replayed } = report.totals
      assert.deepEqual([inLog, deadLettered, replayed], [25n, 1n, 2n])
      assert.deepEqual(
        finding(await data.audit(), 'lost')?.examples.map(({ offset }) => offset),
        [4n, 30n],
      )
    })

    it('is a command: exit code 3 and the places in its text', async () => {
      const data = new AuditDataset(work, kind, 'command')
      await data.apply(fields, { partitions: 1 })
      await data.produce(rows(20))
      await data.consume()
      const args = ['audit', '-t', data.topic, '-s', kind]
      const clean = await etl(args)
      assert.equal(clean.code, 0, clean.stderr)
      assert.match(clean.stdout, /OK: 20 records, each where it belongs/)
      await db.rows(`DELETE FROM ${q(data.topic)} WHERE kafka_offset = 7`)
      const failed = await etl(args)
      assert.equal(failed.code, 3)
      assert.match(failed.stdout, /lost: .*: 1\n {6}partition 0 offset 7\n/)
      assert.match(failed.stdout, /FAILED: 1 lost, 0 doubled, 0 altered, 0 foreign, 0 out of order/)
    })
  })
