import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UnexpectedError } from '../../../../src/errors.ts'
import type { TableSpec } from '../../../../src/schema/table-spec.ts'
import {
  batch,
  booksOf,
  type Context,
  claim,
  column,
  deadLetters,
  keyedTable,
  plainRows,
  preparePlace,
  row,
  storedIds,
  uniqueName,
} from '../fixtures.ts'

export function upserts(context: () => Context): void {
  describe('upsert', () => {
    const contents = (spec: TableSpec) => context().database.sql(`SELECT * FROM "${spec.table}" ORDER BY 1`)

    it('keeps the last operation of each key, within a batch and over batches', async () => {
      const { sink } = context()
      const place = await preparePlace(sink, keyedTable())
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(
        batch(0n, [
          row(0n, [1n, 'one']),
          row(1n, [2n, 'two']),
          row(2n, [1n, 'uno']),
          row(3n, [3n, 'three']),
          row(4n, [3n, null], 'delete'),
          row(5n, [4n, null], 'delete'),
          row(6n, [4n, 'four']),
        ]),
      )
      assert.deepEqual(await contents(place.spec), [
        ['1', 'uno', '0', '2'],
        ['2', 'two', '0', '1'],
        ['4', 'four', '0', '6'],
      ])
      const receipt = await lane.commit(batch(7n, [row(7n, [2n, null], 'delete'), row(8n, [4n, null])]))
      assert.equal(receipt.written, 2)
      assert.deepEqual(await contents(place.spec), [
        ['1', 'uno', '0', '2'],
        ['4', null, '0', '8'],
      ])
      const sum = (await booksOf(sink, place)).ledger.get(0)
      assert.deepEqual([sum?.read, sum?.written], [9n, 9n])
      await lane.release()
    })

    it('lets the operation before a rejected one decide', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink, keyedTable())
      await database.sql(`CREATE UNIQUE INDEX "${place.spec.table}_n" ON "${place.spec.table}" (name)`)
      await database.sql(`INSERT INTO "${place.spec.table}" VALUES (99, 'taken', 0, 99)`)
      const lane = await claim(sink, place, { mode: 'upsert' })
      const rows = [
        row(0n, [1n, 'first']),
        row(1n, [2n, 'second']),
        row(2n, [1n, 'much too long a name']),
        row(3n, [3n, null], 'delete'),
        row(4n, [3n, 'third']),
      ]
      const receipt = await lane.commit(batch(0n, rows))
      assert.deepEqual([receipt.written, receipt.deadLettered], [4, 1])
      assert.deepEqual(
        (await contents(place.spec)).map((values) => values.slice(0, 2)),
        [
          ['1', 'first'],
          ['2', 'second'],
          ['3', 'third'],
          ['99', 'taken'],
        ],
      )
      await lane.release()
    })

    it('writes a table of nothing but key columns', async () => {
      const { sink } = context()
      const spec: TableSpec = {
        table: uniqueName('keys'),
        columns: [column('a', { kind: 'int32' }), column('b', { kind: 'string', maxLength: 20 })],
        primaryKey: ['a', 'b'],
        provenance: false,
      }
      const place = await preparePlace(sink, spec)
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(batch(0n, [row(0n, [1, 'x']), row(1n, [1, 'y']), row(2n, [1, 'x'])]))
      await lane.commit(batch(3n, [row(3n, [1, 'x']), row(4n, [1, 'y'], 'delete')]))
      assert.deepEqual(await contents(spec), [['1', 'x']])
      assert.deepEqual((await booksOf(sink, { ...place, spec })).rows, {
        total: 1n,
        byPartition: undefined,
        doubled: undefined,
      })
      await lane.release()
    })

    it('keeps keys apart that differ only in case, accents or trailing blanks', async () => {
      const { sink } = context()
      const spec: TableSpec = {
        table: uniqueName('exact'),
        columns: [column('k', { kind: 'string', maxLength: 20 })],
        primaryKey: ['k'],
        provenance: false,
      }
      const place = await preparePlace(sink, spec)
      const lane = await claim(sink, place, { mode: 'upsert' })
      const keys = [
        'key',
        'Key',
        'key ',
        'kéy',
        'kéy'.normalize('NFD'),
        '',
        ' ',
        'ключ',
        '😀',
        "it's",
        'a\\b',
        'a"b',
      ]
      await lane.commit(
        batch(
          0n,
          keys.map((key, i) => row(BigInt(i), [key])),
        ),
      )
      assert.equal((await booksOf(sink, { ...place, spec })).rows.total, BigInt(keys.length))
      const deletes = keys.map((key, i) => row(BigInt(keys.length + i), [key], 'delete'))
      await lane.commit(batch(BigInt(keys.length), deletes.slice(1)))
      assert.deepEqual(await contents(spec), [['key']])
      await lane.release()
    })

    it('finds keys of every kind again', async () => {
      const { sink } = context()
      const spec: TableSpec = {
        table: uniqueName('kinds'),
        columns: [
          column('i', { kind: 'int64' }),
          column('d', { kind: 'decimal', precision: 30, scale: 10 }),
          column('u', { kind: 'uuid' }),
          column('b', { kind: 'bytes', maxLength: 16 }),
          column('t', { kind: 'timestamp', zoned: true, precision: 6 }),
          column('day', { kind: 'date' }),
          column('yes', { kind: 'boolean' }),
          column('v', { kind: 'int32' }, true),
        ],
        primaryKey: ['i', 'd', 'u', 'b', 't', 'day', 'yes'],
        provenance: false,
      }
      const place = await preparePlace(sink, spec)
      const lane = await claim(sink, place, { mode: 'upsert' })
      const key = (d: string, b: string) => [
        2n ** 63n - 1n,
        d,
        '123e4567-e89b-12d3-a456-426614174000',
        Buffer.from(b, 'hex'),
        1_700_000_000_123_456n,
        19_000,
        true,
      ]
      const a = key('12345678901234567890.0000000001', '00ff')
      const b = key('12345678901234567890.0000000002', '00ff')
      const c = key('12345678901234567890.0000000001', '00ff00')
      const sameAsA = key('12345678901234567890.00000000010', '00ff')
      await lane.commit(
        batch(0n, [row(0n, [...a, 1]), row(1n, [...b, 2]), row(2n, [...c, 3]), row(3n, [...sameAsA, 4])]),
      )
      assert.deepEqual((await contents(spec)).map((values) => values.at(-1)).sort(), ['2', '3', '4'])
      await lane.commit(batch(4n, [row(4n, [...b, null], 'delete'), row(5n, [...a, null], 'delete')]))
      assert.deepEqual(
        (await contents(spec)).map((values) => values.at(-1)),
        ['3'],
      )
      await lane.release()
    })

    it('rejects a null key, of a row and of a deletion', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink, keyedTable())
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(
        batch(0n, [row(0n, [null, 'x']), row(1n, [null, null], 'delete'), row(2n, [1n, 'x'])]),
      )
      assert.deepEqual(
        (await deadLetters(database, place)).map(([offset]) => offset),
        ['0', '1'],
      )
      assert.deepEqual(await storedIds(database, place.spec), ['1'])
      await lane.release()
    })

    it('upserts by the record’s place when the data has no key', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(batch(0n, plainRows(0n, 3)))
      await database.sql(`UPDATE kafka_offsets SET "offset" = 0 WHERE topic = '${place.topic}'`)
      await lane.release()
      const again = await claim(sink, place, { mode: 'upsert' })
      await again.commit(batch(0n, plainRows(0n, 4)))
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2', '3'])
      assert.deepEqual(await deadLetters(database, place), [])
      await again.release()
    })

    it('writes and deletes more rows than one statement takes', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink, keyedTable())
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(batch(0n, plainRows(0n, 12_000)))
      const deletes = plainRows(0n, 11_999).map(({ values }, i) => row(12_000n + BigInt(i), values, 'delete'))
      await lane.commit(batch(12_000n, deletes))
      assert.deepEqual(await storedIds(database, place.spec), ['11999'])
      await lane.release()
    })

    it('does not lose the rows of lanes that meet on the same keys', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink, keyedTable())
      const lanes = await Promise.all(
        [0, 1, 2].map((partition) =>
          claim(sink, { ...place, topic: `${place.topic}_${partition}` }, { mode: 'upsert' }),
        ),
      )
      await Promise.all(
        lanes.map(async (lane, n) => {
          for (let at = 0n; at < 2000n; at += 400n) {
            // Each lane sees the keys in an order of its own.
            const rows = Array.from({ length: 400 }, (_, i) => {
              const id = BigInt((i * (2 * n + 1) * 7) % 400)
              return row(at + BigInt(i), [id, `lane ${n}`], i % 7 === n ? 'delete' : 'write')
            })
            await lane.commit(batch(at, rows))
          }
        }),
      )
      assert.deepEqual(
        lanes.map((lane) => lane.nextOffset),
        [2000n, 2000n, 2000n],
      )
      assert.deepEqual(
        await database.sql(`SELECT count(*) FROM etl_dead_letters WHERE topic LIKE '${place.topic}%'`),
        [['0']],
      )
      await Promise.all(lanes.map((lane) => lane.release()))
    })

    it('knows no deletions in insert mode', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await assert.rejects(lane.commit(batch(0n, [row(0n, [1n, null], 'delete')])), UnexpectedError)
      assert.deepEqual(await storedIds(database, place.spec), [])
      await lane.release()
    })
  })
}
