import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openSink } from '../../../../src/sink/open.ts'
import type { Sink } from '../../../../src/sink/sink.ts'
import {
  batch,
  booksOf,
  type Context,
  claim,
  deadLetters,
  keyedTable,
  preparePlace,
  row,
  storedIds,
} from '../fixtures.ts'
import { WireTap } from '../wire-tap.ts'

const count = 1024
const all = Array.from({ length: 64 }, (_, i) => i)
const places: Readonly<Record<string, readonly number[]>> = {
  first: [0],
  middle: [511],
  last: [count - 1],
  'first, middle and last': [0, 511, count - 1],
  'eight in a row': [200, 201, 202, 203, 204, 205, 206, 207],
  'eight far apart': [3, 130, 260, 390, 520, 650, 780, 910],
}

export function poison(context: () => Context): void {
  describe('poison', () => {
    let tap: WireTap
    let sink: Sink

    before(async () => {
      const tapped = await WireTap.open(context().database.config)
      tap = tapped.tap
      sink = openSink(tapped.config)
    })
    after(async () => {
      await sink.close()
      await tap.close()
    })

    /** Commits `total` rows, those at `bad` with a name that only the database refuses; returns the statements that it took. */
    const commit = async (
      mode: 'insert' | 'upsert',
      total: number,
      bad: readonly number[],
    ): Promise<number> => {
      const { database } = context()
      const place = await preparePlace(sink, keyedTable())
      await database.sql(`ALTER TABLE "${place.spec.table}" ADD CHECK (name <> 'poison')`)
      const lane = await claim(sink, place, { mode })
      const rows = Array.from({ length: total }, (_, i) =>
        row(BigInt(i), [BigInt(i), bad.includes(i) ? 'poison' : `row ${i}`]),
      )
      tap.reset()
      const receipt = await lane.commit(batch(0n, rows))
      const statements = tap.statements.length
      assert.deepEqual(receipt, { written: total - bad.length, deadLettered: bad.length, recovered: false })
      assert.equal(lane.nextOffset, BigInt(total))
      assert.deepEqual(
        await deadLetters(database, place),
        bad.map((i) => [String(i), 'constraint', '1']),
      )
      const good = rows.map((_, i) => i).filter((i) => !bad.includes(i))
      assert.deepEqual((await storedIds(database, place.spec)).map(Number), good)
      const sum = (await booksOf(sink, place)).ledger.get(0)
      assert.deepEqual([sum?.batches, sum?.read, sum?.deadLettered], [1n, BigInt(total), BigInt(bad.length)])
      await lane.release()
      return statements
    }

    for (const mode of ['insert', 'upsert'] as const) {
      for (const [where, bad] of Object.entries(places)) {
        it(`${where} of ${count} rows costs O(log n) statements each (${mode})`, async () => {
          const statements = await commit(mode, count, bad)
          // Two halves a level for each bad row, each with at most four statements: savepoint, rows, rollback, release. The rest is
          // the first attempt without savepoints, and what every transaction has.
          const halves = 2 * bad.length * Math.log2(count) + 1
          assert(statements <= 4 * halves + 12, `${statements} statements`)
        })
      }

      it(`all of a batch is dead letters, and the lane goes on (${mode})`, async () => {
        const statements = await commit(mode, all.length, all)
        assert(statements <= 4 * 2 * all.length + 12, `${statements} statements`)
      })

      it(`none costs no savepoint (${mode})`, async () => {
        assert((await commit(mode, count, [])) <= 5)
        assert.deepEqual(
          tap.statements.filter((statement) => /SAVEPOINT/.test(statement)),
          [],
        )
      })
    }
  })
}
