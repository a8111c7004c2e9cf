import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, FencedError } from '../../../../src/errors.ts'
import { IdentityError } from '../../../../src/sink/errors.ts'
import {
  batch,
  booksOf,
  type Context,
  claim,
  owner,
  plainRows,
  preparePlace,
  storedIds,
  storedOffset,
} from '../fixtures.ts'

export function claims(context: () => Context): void {
  describe('claim and fence', () => {
    it('starts at the initial offset, then where the group stopped', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const tp = { topic: place.topic, partition: 3 }
      const first = await sink.claim(tp, owner(place, { initialOffset: 40n }))
      assert.equal(first.nextOffset, 40n)
      assert.equal(first.epoch, 1n)
      await first.commit(batch(40n, plainRows(40n, 5)))
      assert.equal(first.nextOffset, 45n)
      await first.release()
      const second = await sink.claim(tp, owner(place, { initialOffset: 7n, name: 'second' }))
      assert.equal(second.nextOffset, 45n)
      assert.equal(second.epoch, 2n)
      await second.release()
      const stored = (await sink.offsets(place.topic, place.group)).get(3)
      assert.equal(stored?.offset, 45n)
      assert.equal(stored?.epoch, 2n)
      assert.equal(stored?.owner, 'second')
      assert.equal(stored?.clusterId, 'cluster-1')
      assert.equal(stored?.topicId, 'topic-1')
      assert(Math.abs(Date.now() - (stored?.updatedAt.getTime() ?? 0)) < 3_600_000)
    })

    it('lets a zombie write nothing after a takeover', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const zombie = await claim(sink, place)
      await zombie.commit(batch(0n, plainRows(0n, 2)))
      const heir = await claim(sink, place)
      await assert.rejects(zombie.commit(batch(2n, plainRows(2n, 2))), (err: FencedError) => {
        assert(err instanceof FencedError)
        assert.match(err.message, /epoch 1 and offset 2.*epoch 2, offset 2/)
        assert.match(err.where ?? '', new RegExp(`${place.topic}.*0`))
        return true
      })
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
      await heir.commit(batch(2n, plainRows(2n, 2)))
      await assert.rejects(zombie.commit(batch(2n, plainRows(2n, 2))), FencedError)
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2', '3'])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.batches, 2n)
      await zombie.release()
      await heir.release()
    })

    it('lets a zombie in the middle of its transaction neither commit nor block the claim', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const zombie = await claim(sink, place)
      // Claims while the zombie's rows are being written: whichever comes first, only one of them may stand.
      const rows = plainRows(0n, 3000)
      const [written, heir] = await Promise.allSettled([zombie.commit(batch(0n, rows)), claim(sink, place)])
      assert.equal(heir.status, 'fulfilled')
      const lane = heir.value
      const expected = written.status === 'fulfilled' ? 3000n : 0n
      if (written.status === 'rejected') assert(written.reason instanceof FencedError)
      assert.equal(BigInt((await storedIds(database, place.spec)).length), expected)
      assert.equal(lane.nextOffset, expected)
      await zombie.release()
      await lane.release()
    })

    it('fences a lane whose stored offset was moved by someone who does not know epochs', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, plainRows(0n, 2)))
      await database.sql(`UPDATE kafka_offsets SET "offset" = 10 WHERE topic = '${place.topic}'`)
      await assert.rejects(lane.commit(batch(2n, plainRows(2n, 2))), FencedError)
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
      assert.equal(await storedOffset(database, place), '10')
      await database.sql(`DELETE FROM kafka_offsets WHERE topic = '${place.topic}'`)
      await assert.rejects(lane.commit(batch(2n, plainRows(2n, 2))), /the row of kafka_offsets is gone/)
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
      await lane.release()
    })

    it('gives every concurrent claim an epoch of its own', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const lanes = await Promise.all(Array.from({ length: 6 }, () => claim(sink, place)))
      assert.deepEqual(lanes.map(({ epoch }) => epoch).sort(), [1n, 2n, 3n, 4n, 5n, 6n])
      const outcomes = await Promise.allSettled(lanes.map((lane) => lane.commit(batch(0n, plainRows(0n, 1)))))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      await Promise.all(lanes.map((lane) => lane.release()))
    })

    it('refuses another cluster and another topic of the same name, and changes nothing', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await lane.release()
      const tp = { topic: place.topic, partition: 0 }
      await assert.rejects(sink.claim(tp, owner(place, { clusterId: 'cluster-2' })), (err: IdentityError) => {
        assert(err instanceof IdentityError)
        assert.match(err.message, /cluster-1.*cluster-2/)
        assert.match(err.next ?? '', /^etl offsets reset /)
        return true
      })
      await assert.rejects(sink.claim(tp, owner(place, { topicId: 'topic-2' })), /topic-1.*topic-2/)
      const stored = (await sink.offsets(place.topic, place.group)).get(0)
      assert.equal(stored?.epoch, 1n)
      assert.equal(stored?.topicId, 'topic-1')
    })

    it('binds offsets without identity at the first claim', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      await database.sql(
        `INSERT INTO kafka_offsets (topic, "partition", consumer_group, "offset")
         VALUES ('${place.topic}', 0, '${place.group}', 12)`,
      )
      const lane = await claim(sink, place)
      assert.equal(lane.nextOffset, 12n)
      assert.equal(lane.epoch, 1n)
      await lane.release()
      const stored = (await sink.offsets(place.topic, place.group)).get(0)
      assert.deepEqual([stored?.clusterId, stored?.topicId], ['cluster-1', 'topic-1'])
    })

    it('does not compare topic ids that the broker does not have', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const tp = { topic: place.topic, partition: 0 }
      await (await sink.claim(tp, owner(place, { topicId: '' }))).release()
      assert.equal((await sink.offsets(place.topic, place.group)).get(0)?.topicId, null)
      await (await sink.claim(tp, owner(place, { topicId: 'topic-9' }))).release()
      assert.equal((await sink.offsets(place.topic, place.group)).get(0)?.topicId, 'topic-9')
    })

    it('refuses upsert without a key', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const keyless = { ...place, spec: { ...place.spec, provenance: false } }
      await assert.rejects(claim(sink, keyless, { mode: 'upsert' }), ConfigError)
    })
  })
}
