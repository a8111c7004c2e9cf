import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LaneTarget } from '../../src/sink/sink.ts'
import { Letters, request, rowOf } from './dlq-letters.ts'
import { batch, claim, keyedTable, type Place, row } from './sink/fixtures.ts'

const upsert = (place: Place): LaneTarget => ({
  table: place.spec,
  mode: 'upsert',
  ledger: false,
  onError: 'dlq',
})

for (const kind of ['postgres', 'mysql'] as const)
  describe(`replay of dead letters by key: ${kind}`, () => {
    let letters: Letters

    before(async () => {
      letters = await Letters.open(kind)
    })
    after(() => letters.close())

    const names = async (place: Place) =>
      letters.database.sql(`SELECT id, name FROM "${place.spec.table}" ORDER BY id`)
    /** Letters at offsets 0 to 3, then a row with id 1 written by offset 9. */
    const overtaken = async () => {
      const place = await letters.write(4, { mode: 'upsert' }, keyedTable())
      const lane = await claim(letters.sink, place, { mode: 'upsert' })
      await lane.commit(batch(4n, [], { filtered: 5 }))
      await lane.commit(batch(9n, [row(9n, [1n, 'new'])]))
      await lane.release()
      return place
    }

    it('does not overwrite a newer row of the same key', async () => {
      const place = await overtaken()
      const receipt = await letters.sink.replay(
        request(place, await letters.pending(place), {
          target: upsert(place),
          rows: [0n, 1n, 2n, 3n].map((o) => rowOf(o)),
        }),
      )
      assert.deepEqual([receipt.stored, receipt.superseded], [[0n, 2n, 3n], [1n]])
      assert.deepEqual((await names(place))[1], ['1', 'new'])
      assert.deepEqual((await letters.states(place))[1], ['1', '1', 'superseded'])
    })

    it('overwrites it when told to', async () => {
      const place = await overtaken()
      const rows = [row(1n, [1n, 'old'])]
      const all = (await letters.pending(place)).slice(1, 2)
      const receipt = await letters.sink.replay(
        request(place, all, { target: upsert(place), rows, overwrite: true }),
      )
      assert.deepEqual(receipt.stored, [1n])
      assert.deepEqual(await names(place), [['1', 'old']])
    })

    it('replays several letters of one key in their order, deletions too', async () => {
      const place = await overtaken()
      const rows = [
        row(0n, [5n, 'first']),
        row(1n, [5n, 'second']),
        row(2n, [6n, 'gone soon']),
        row(3n, [6n, null], 'delete'),
      ]
      const receipt = await letters.sink.replay(
        request(place, await letters.pending(place), { target: upsert(place), rows }),
      )
      assert.deepEqual(receipt.stored.toSorted(), [0n, 1n, 2n, 3n])
      assert.deepEqual(await names(place), [
        ['1', 'new'],
        ['5', 'second'],
      ])
    })

    it('leaves a letter whose row came from elsewhere, and one that may have been deleted since', async () => {
      const place = await overtaken()
      await letters.database.sql(
        `INSERT INTO "${place.spec.table}" VALUES (0, 'alien', NULL, NULL), (2, 'far', 5, 1)`,
      )
      const receipt = await letters.sink.replay(
        request(place, await letters.pending(place), {
          target: upsert(place),
          unclear: new Map([[3n, 'perhaps deleted']]),
        }),
      )
      assert.deepEqual(receipt.stored, [])
      assert.deepEqual(receipt.superseded, [1n])
      assert.deepEqual(
        receipt.failed.map(({ errorClass, message }) => [errorClass, message.slice(0, 15)]),
        [
          ['conflict', 'the row with th'],
          ['conflict', 'the row with th'],
          ['conflict', 'perhaps deleted'],
        ],
      )
      assert.deepEqual((await names(place))[0], ['0', 'alien'])
    })

    it('leaves a key that was deleted since deleted', async () => {
      const place = await overtaken()
      const receipt = await letters.sink.replay(
        request(place, await letters.pending(place), {
          target: upsert(place),
          superseded: new Set([2n, 3n]),
        }),
      )
      assert.deepEqual([receipt.stored, receipt.superseded], [[0n], [2n, 3n, 1n]])
    })
  })
