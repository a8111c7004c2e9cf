import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { UnreachableError } from '../../../../src/errors.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { Sink, SinkConfig } from '../../../../src/sink/sink.ts'
import { defaultLimits } from '../../../../src/sink/sql/session.ts'
import {
  batch,
  type Context,
  claim,
  type Place,
  plainRows,
  preparePlace,
  storedIds,
  storedOffset,
} from '../fixtures.ts'
import { CommitProxy } from '../proxy.ts'

/** A hang is what these tests look for; far above what they need. */
const guard = { timeout: 30_000 }

export function stops(context: () => Context): void {
  describe('stop', () => {
    let proxy: CommitProxy
    let viaProxy: SinkConfig

    before(async () => {
      const proxied = await CommitProxy.open(context().database.config)
      proxy = proxied.proxy
      viaProxy = proxied.config
    })
    after(() => proxy.close())

    /** What the next owner finds, and that it can go on from there. */
    const takenOver = async (sink: Sink, place: Place, at: bigint) => {
      const heir = await claim(sink, place)
      assert.equal(heir.nextOffset, at)
      await heir.commit(batch(at, plainRows(at, 1)))
      await heir.release()
      const ids = Array.from({ length: Number(at) + 1 }, (_, id) => String(id))
      assert.deepEqual(await storedIds(context().database, place.spec), ids)
    }

    it('begins nothing when the signal was there first', guard, async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 2)), AbortSignal.abort()), stopped)
      assert.equal(await storedOffset(database, place), '0')
      await lane.commit(batch(0n, plainRows(0n, 2)))
      await lane.release()
    })

    it('ends a wait for a lock after the attempt under way', guard, async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const patient = openSink(database.config, { lock: 1000 })
      const lane = await claim(patient, place)
      const stop = new AbortController()
      await database.sql('BEGIN')
      await database.sql(`SELECT * FROM kafka_offsets WHERE topic = '${place.topic}' FOR UPDATE`)
      const refused = assert.rejects(lane.commit(batch(0n, plainRows(0n, 2)), stop.signal), (err: Error) => {
        return stopped(err) && /nothing was written/.test(err.message)
      })
      try {
        // InnoDB shows a new list of transactions when nobody asked for 100 ms.
        while ((await database.blocked()) === 0) await new Promise((resolve) => setTimeout(resolve, 150))
        stop.abort()
        await refused
      } finally {
        await database.sql('ROLLBACK')
      }
      await lane.release()
      await patient.close()
      await takenOver(sink, place, 0n)
    })

    it('leaves an unknown outcome to the next claim', guard, async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const away = openSink(viaProxy)
      const lane = await claim(away, place)
      const stop = new AbortController()
      proxy.arm('unanswered', true)
      const struck = proxy.struck()
      const refused = assert.rejects(lane.commit(batch(0n, plainRows(0n, 2)), stop.signal), (err: Error) => {
        return stopped(err) && /settled by the next claim/.test(err.message)
      })
      await struck
      stop.abort()
      await refused
      proxy.heal()
      await lane.release()
      await away.close()
      await takenOver(sink, place, 2n)
    })

    it('gives up a server that does not answer after the limit for locks', guard, async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const mute = openSink(viaProxy, { lock: 300, idleInTransaction: 1000 })
      const lane = await claim(mute, place)
      const stop = new AbortController()
      proxy.arm('freeze')
      const struck = proxy.struck()
      const refused = assert.rejects(lane.commit(batch(0n, plainRows(0n, 2)), stop.signal), (err: Error) => {
        return stopped(err) && /settled by the next claim/.test(err.message)
      })
      await struck
      stop.abort()
      await refused
      await lane.release()
      await mute.close()
      await takenOver(sink, place, 0n)
      proxy.cut()
    })

    it('release ends though the server does not answer', guard, async () => {
      const place = await preparePlace(context().sink)
      const mute = openSink(viaProxy)
      const lane = await claim(mute, place)
      proxy.silence()
      await lane.release()
      await mute.close()
      proxy.cut()
    })

    it('release ends a commit under way', guard, async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const mute = openSink(viaProxy, { idleInTransaction: 1000 })
      const lane = await claim(mute, place)
      proxy.arm('freeze')
      const struck = proxy.struck()
      const refused = assert.rejects(lane.commit(batch(0n, plainRows(0n, 2))), stopped)
      await struck
      await lane.release()
      await refused
      await mute.close()
      await takenOver(sink, place, 0n)
      proxy.cut()
    })

    it('fits into a rebalance of 60 s', () => {
      const { lock, recovery, idleInTransaction } = defaultLimits
      // A look for the outcome may begin at the last moment, and then wait for a lock.
      assert(recovery + lock < 60_000)
      assert(idleInTransaction < lock)
    })
  })
}

function stopped(err: Error): boolean {
  assert(err instanceof UnreachableError, err)
  assert.match(err.message, /stopped/)
  return true
}
