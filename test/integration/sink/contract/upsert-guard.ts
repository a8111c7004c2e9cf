import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ColumnType, SqlValue, TableSpec } from '../../../../src/schema/table-spec.ts'
import {
  batch,
  type Context,
  claim,
  column,
  deadLetters,
  keyedTable,
  preparePlace,
  row,
  uniqueName,
} from '../fixtures.ts'

/** MySQL's upsert goes by every unique index, and its guard writes the key column. */
export function upsertGuard(context: () => Context): void {
  describe('upsert by its key alone', () => {
    const contents = (spec: TableSpec) => context().database.sql(`SELECT * FROM "${spec.table}" ORDER BY 1`)

    it('never changes the row of another key that has the same value in a second unique index', async () => {
      const { sink, database } = context()
      for (const key of ['PRIMARY KEY', 'UNIQUE']) {
        const spec = keyedTable()
        const columns = `id bigint ${key}, name varchar(10) UNIQUE, kafka_partition int, kafka_offset bigint`
        await database.sql(`CREATE TABLE "${spec.table}" (${columns})`)
        const place = { topic: uniqueName('topic'), group: uniqueName('group'), spec }
        await database.sql(`INSERT INTO "${spec.table}" VALUES (99, 'taken', 0, 99), (7, 'seven', 0, 98)`)
        const lane = await claim(sink, place, { mode: 'upsert' })
        const rows = [
          row(0n, [1n, 'taken']),
          row(1n, [2n, 'free']),
          row(2n, [7n, 'taken']),
          row(3n, [99n, 'taken']),
        ]
        assert.equal((await lane.commit(batch(0n, rows))).deadLettered, 2)
        assert.deepEqual(await deadLetters(database, place), [
          ['0', 'constraint', '1'],
          ['2', 'constraint', '1'],
        ])
        assert.deepEqual(await contents(spec), [
          ['2', 'free', '0', '1'],
          ['7', 'seven', '0', '98'],
          ['99', 'taken', '0', '3'],
        ])
        await lane.release()
      }
    })

    const firstKeys: Readonly<Record<string, readonly [ColumnType, SqlValue]>> = {
      decimal: [{ kind: 'decimal', precision: 30, scale: 10 }, '12345678901234567890.0000000001'],
      text: [{ kind: 'string', maxLength: 20 }, "é'\\ 😀 "],
      bytes: [{ kind: 'bytes', maxLength: 16 }, Buffer.from('00ff27', 'hex')],
      uuid: [{ kind: 'uuid' }, '123e4567-e89b-12d3-a456-426614174000'],
      moment: [{ kind: 'timestamp', zoned: true, precision: 6 }, 1_700_000_000_123_456n],
      day: [{ kind: 'date' }, 19_000],
      time: [{ kind: 'time' }, 86_399_999_999n],
      boolean: [{ kind: 'boolean' }, true],
    }
    it('leaves keys of every kind what they are', async () => {
      const { sink } = context()
      for (const [name, [type, value]] of Object.entries(firstKeys)) {
        const spec: TableSpec = {
          table: uniqueName('first'),
          columns: [column('k', type), column('v', { kind: 'int32' })],
          primaryKey: ['k'],
          provenance: false,
        }
        const place = await preparePlace(sink, spec)
        const lane = await claim(sink, place, { mode: 'upsert' })
        await lane.commit(batch(0n, [row(0n, [value, 1])]))
        const [inserted] = await contents(spec)
        await lane.commit(batch(1n, [row(1n, [value, 2])]))
        assert.deepEqual(await contents(spec), [[inserted?.[0], '2']], name)
        await lane.release()
      }
    })
  })
}
