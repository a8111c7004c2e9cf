import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FencedError, UnreachableError } from '../../../../src/errors.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { Sink, SinkConfig } from '../../../../src/sink/sink.ts'
import type { SqlFailure } from '../../../../src/sink/sql/failure.ts'
import {
  batch,
  booksOf,
  type Context,
  claim,
  deadLetters,
  owner,
  plainRows,
  preparePlace,
  record,
  storedIds,
  storedOffset,
} from '../fixtures.ts'
import { CommitProxy } from '../proxy.ts'

export function connections(context: () => Context): void {
  describe('unknown commit', () => {
    let proxy: CommitProxy
    let viaProxy: SinkConfig
    let sink: Sink

    before(async () => {
      const proxied = await CommitProxy.open(context().database.config)
      proxy = proxied.proxy
      viaProxy = proxied.config
      sink = openSink(viaProxy)
    })
    after(async () => {
      await sink.close()
      await proxy.close()
    })

    it('writes the batch again when COMMIT did not reach the server', async () => {
      const { database } = context()
      const place = await preparePlace(context().sink)
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, plainRows(0n, 2)))
      proxy.arm('unsent')
      const rejected = [{ record: record(4n), schemaId: 5, errorClass: 'decode', message: 'bad' }]
      const receipt = await lane.commit(batch(2n, plainRows(2n, 2), { rejected, nextOffset: 5n }))
      assert.equal(proxy.triggered, 1)
      assert.deepEqual(receipt, { written: 2, deadLettered: 1, recovered: false })
      assert.equal(lane.nextOffset, 5n)
      // One that was stored beside the transaction would have been met again.
      assert.deepEqual(await deadLetters(database, place), [['4', 'decode', '1']])
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2', '3'])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.batches, 2n)
      await lane.release()
    })

    it('does not write the batch again when only the answer was lost', async () => {
      const { database } = context()
      const place = await preparePlace(context().sink)
      const lane = await claim(sink, place)
      proxy.arm('unanswered')
      const receipt = await lane.commit(batch(0n, plainRows(0n, 2)))
      assert.equal(proxy.triggered, 2)
      assert.deepEqual(receipt, { written: 2, deadLettered: 0, recovered: true })
      assert.equal(lane.nextOffset, 2n)
      await lane.commit(batch(2n, plainRows(2n, 1)))
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2'])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.batches, 2n)
      await lane.release()
    })

    for (const fault of ['unanswered', 'unsent'] as const) {
      it(`asks again before the next commit when the database stayed away (${fault})`, async () => {
        const { database } = context()
        const place = await preparePlace(context().sink)
        const impatient = openSink(viaProxy, { recovery: 100 })
        const lane = await claim(impatient, place)
        proxy.arm(fault, true)
        const first = batch(0n, plainRows(0n, 2))
        await assert.rejects(lane.commit(first), (err: UnreachableError) => {
          assert(err instanceof UnreachableError)
          assert.match(err.message, /not known whether batch 0–2 was committed/)
          return true
        })
        await assert.rejects(lane.commit(first), UnreachableError)
        proxy.heal()
        const receipt = await lane.commit(first)
        assert.equal(receipt.recovered, fault === 'unanswered')
        assert.equal(lane.nextOffset, 2n)
        assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
        assert.equal((await booksOf(impatient, place)).ledger.get(0)?.batches, 1n)
        await lane.release()
        await impatient.close()
      })
    }

    it('is fenced when another owner came while the outcome was unknown', async () => {
      const { database } = context()
      const place = await preparePlace(context().sink)
      const impatient = openSink(viaProxy, { recovery: 100 })
      const lane = await claim(impatient, place)
      proxy.arm('unanswered', true)
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 2))), UnreachableError)
      const heir = await claim(context().sink, place)
      assert.equal(heir.nextOffset, 2n)
      proxy.heal()
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 2))), FencedError)
      await heir.commit(batch(2n, plainRows(2n, 1)))
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2'])
      await lane.release()
      await heir.release()
      await impatient.close()
    })
  })

  describe('connection', () => {
    it('is replaced unseen when the server ended it between two batches', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      for (let i = 0n; i < 3n; i++) {
        await lane.commit(batch(i, plainRows(i, 1)))
        assert((await database.killOthers()) > 0)
      }
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2'])
      await lane.release()
    })

    it('leaves none behind', async () => {
      const { database } = context()
      const before = await database.others()
      const own = openSink(database.config)
      const place = await preparePlace(own)
      const lanes = await Promise.all(
        [0, 1, 2].map((partition) => own.claim({ topic: place.topic, partition }, owner(place))),
      )
      await Promise.all([own.offsets(place.topic, place.group), booksOf(own, place)])
      assert((await database.others()) >= before + 3)
      await Promise.all(lanes.map((lane) => lane.release()))
      await own.close()
      // The server notices a goodbye a moment after it was said.
      while ((await database.others()) > before) await new Promise((resolve) => setTimeout(resolve, 20))
    })

    it('does not block the next claim for ever when it froze between fence and COMMIT', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const { proxy, config } = await CommitProxy.open(database.config)
      const frozenSink = openSink(config, { idleInTransaction: 1000 })
      const frozen = await claim(frozenSink, place)
      proxy.arm('freeze')
      const struck = proxy.struck()
      const thawed = assert.rejects(frozen.commit(batch(0n, plainRows(0n, 2))), FencedError)
      await struck
      const heir = await claim(sink, place)
      assert.equal(heir.nextOffset, 0n)
      await heir.commit(batch(0n, plainRows(0n, 1)))
      proxy.cut()
      await thawed
      assert.deepEqual(await storedIds(database, place.spec), ['0'])
      assert.equal(await storedOffset(database, place), '1')
      await frozen.release()
      await heir.release()
      await frozenSink.close()
      await proxy.close()
    })

    it('names server and database, never the password', async () => {
      const { config } = context().database
      const wrong = [
        { ...config, port: 1 },
        { ...config, user: 'no_such_user', password: 'not-the-password' },
        { ...config, database: 'no_such_database' },
      ]
      const codes = { postgres: ['', '28P01', '3D000'], mysql: ['', '1045', '1044'] }[config.kind]
      for (const [i, each] of wrong.entries()) {
        const sink = openSink(each, { connect: 2000 })
        await assert.rejects(sink.offsets('t', 'g'), (err: Error & { where?: string; exitCode?: number }) => {
          assert(err.exitCode === 5 || err.exitCode === 78)
          assert.equal(err.where, `${each.host}:${each.port}/${each.database}`)
          assert.equal((err.cause as SqlFailure).code, codes[i])
          assert(!`${err.message} ${(err.cause as Error).message}`.includes('not-the-password'))
          return true
        })
        const [finding] = await sink.check()
        assert.equal(finding?.status, 'error')
        await sink.close()
      }
    })

    it('reports what it finds', async () => {
      const sink = openSink(context().database.config)
      const findings = await sink.check()
      assert.deepEqual(
        findings.filter(({ status }) => status === 'error'),
        [],
      )
      assert(findings.some(({ check, status }) => check === 'table kafka_offsets' && status === 'ok'))
      await sink.close()
    })
  })
}
