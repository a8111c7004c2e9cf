import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../../../src/errors.ts'
import { batch, booksOf, type Context, claim, plainRows, preparePlace } from '../fixtures.ts'

export function books(context: () => Context): void {
  describe('books', () => {
    it('show one moment while a lane writes', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      let enough = false
      const write = async () => {
        for (let i = 0n; !enough; i++) await lane.commit(batch(i, plainRows(i, 1)))
      }
      const writing = write()
      try {
        for (let i = 0; i < 30; i++) {
          const { offsets, ledger, rows } = await booksOf(sink, place)
          const stored = offsets.get(0)?.offset
          const sum = ledger.get(0)
          assert.deepEqual(
            [sum?.nextOffset ?? 0n, sum?.read ?? 0n, sum?.written ?? 0n, rows.total],
            [stored, stored, stored, stored],
          )
        }
      } finally {
        enough = true
        await writing
      }
      assert(lane.nextOffset > 0n)
      await lane.release()
    })

    it('keep no transaction open', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      await booksOf(sink, place)
      // Would wait for a transaction that has read the table.
      await database.sql(`DROP TABLE "${place.spec.table}"`)
      await assert.rejects(booksOf(sink, place), ConfigError)
    })

    it('sums the ledger from the start of the log on, in batches that lie there whole', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, plainRows(0n, 3)))
      await lane.commit(batch(3n, plainRows(3n, 2)))
      const books = (start: bigint) =>
        sink.books({ ...place, table: place.spec.table, ledgerFrom: new Map([[0, start]]) })
      const since = async (start: bigint) => {
        const sum = (await books(start)).ledger.get(0)
        return [sum?.read, sum?.readSince, sum?.firstSince]
      }
      assert.deepEqual(await since(0n), [5n, 5n, 0n])
      assert.deepEqual(await since(1n), [5n, 2n, 3n])
      assert.deepEqual(await since(3n), [5n, 2n, 3n])
      assert.deepEqual(await since(9n), [5n, 0n, null])
      await lane.release()
    })

    it('sees holes and overlaps in the ledger', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      for (let i = 0n; i < 5n; i++) await lane.commit(batch(i * 2n, plainRows(i * 2n, 2)))
      await lane.release()
      const of = `topic = '${place.topic}' AND first_offset`
      await database.sql(`DELETE FROM etl_ledger WHERE ${of} = 2`)
      await database.sql(`UPDATE etl_ledger SET first_offset = 5 WHERE ${of} = 6`)
      const sum = (await booksOf(sink, place)).ledger.get(0)
      assert.deepEqual([sum?.holes, sum?.overlaps], [1n, 1n])
    })
  })
}
