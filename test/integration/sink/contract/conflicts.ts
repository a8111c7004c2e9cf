import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../../../../src/errors.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { Sink, SinkConfig } from '../../../../src/sink/sink.ts'
import {
  batch,
  type Context,
  claim,
  deadLetters,
  keyedTable,
  owner,
  type Place,
  preparePlace,
  row,
  storedOffset,
} from '../fixtures.ts'
import { WireTap } from '../wire-tap.ts'

/** A hang is what these tests look for; far above what they need. */
const guard = { timeout: 30_000 }

export function conflicts(context: () => Context): void {
  describe('conflict', () => {
    let tap: WireTap
    let viaTap: SinkConfig
    let sink: Sink

    before(async () => {
      const tapped = await WireTap.open(context().database.config)
      tap = tapped.tap
      viaTap = tapped.config
      sink = openSink(viaTap, { lock: 1000 })
    })
    after(async () => {
      await sink.close()
      await tap.close()
    })
    beforeEach(() => tap.reset())

    const blocked = async (): Promise<void> => {
      // InnoDB renews what it says of transactions only when nobody asked for 100 ms.
      while ((await context().database.blocked()) === 0) await sleep(150)
    }
    const inTransaction = async (place: Place, statements: string[], meanwhile: () => Promise<void>) => {
      const { database } = context()
      await database.sql('BEGIN')
      try {
        for (const statement of statements)
          await database.sql(statement.replace('TABLE', `"${place.spec.table}"`))
        await meanwhile()
        await database.sql('COMMIT')
      } catch (err) {
        await database.sql('ROLLBACK')
        throw err
      }
    }
    const contents = ({ spec }: Place) =>
      context().database.sql(`SELECT id, name FROM "${spec.table}" WHERE id < 100 ORDER BY 1`)
    const bothRows = batch(0n, [row(0n, [1n, 'one']), row(1n, [2n, 'two'])])
    const twoRows = "INSERT INTO TABLE VALUES (1, 'old', 0, 0), (2, 'old', 0, 0)"

    it('of a deadlock makes the victim try again', guard, async () => {
      const { database, kind } = context()
      const place = await preparePlace(context().sink, keyedTable())
      // PostgreSQL looks for deadlocks after a second: longer than that must the lane wait.
      const patient = openSink(viaTap)
      const lane = await claim(patient, place, { mode: 'upsert' })
      await database.sql(twoRows.replace('TABLE', `"${place.spec.table}"`))
      // Of two transactions InnoDB ends the one that has changed less; PostgreSQL the one that has waited for a second.
      const heavy = Array.from({ length: 100 }, (_, i) => `(${100 + i}, 'x', 0, 0)`).join(', ')
      let writing: Promise<unknown> = Promise.resolve()
      await inTransaction(
        place,
        [`INSERT INTO TABLE VALUES ${heavy}`, "UPDATE TABLE SET name = 'mine' WHERE id = 2"],
        async () => {
          writing = lane.commit(bothRows)
          await blocked()
          await database.sql(`UPDATE "${place.spec.table}" SET name = 'mine' WHERE id = 1`)
        },
      )
      assert.deepEqual(await writing, { written: 2, deadLettered: 0, recovered: false })
      assert.deepEqual(tap.errors, [{ postgres: '40P01', mysql: '1213' }[kind]])
      assert.deepEqual(await contents(place), [
        ['1', 'one'],
        ['2', 'two'],
      ])
      await lane.release()
      await patient.close()
    })

    it('of a lock that is not given in time makes the lane try again', guard, async () => {
      const { kind } = context()
      const place = await preparePlace(context().sink, keyedTable())
      const lane = await claim(sink, place, { mode: 'upsert' })
      let writing: Promise<unknown> = Promise.resolve()
      await inTransaction(place, [twoRows], async () => {
        writing = lane.commit(bothRows)
        while (tap.errors.length === 0) await sleep(20)
      })
      assert.deepEqual(await writing, { written: 2, deadLettered: 0, recovered: false })
      assert.equal(tap.errors[0], { postgres: '55P03', mysql: '1205' }[kind])
      assert.deepEqual(await contents(place), [
        ['1', 'one'],
        ['2', 'two'],
      ])
      await lane.release()
    })

    it('that does not end blames no record', guard, async () => {
      const { database, kind } = context()
      const place = await preparePlace(context().sink, keyedTable())
      const hasty = openSink(viaTap, { lock: 50 })
      const lane = await claim(hasty, place, { mode: 'upsert' })
      await inTransaction(place, [twoRows], async () => {
        await assert.rejects(lane.commit(bothRows), UnreachableError)
        assert.deepEqual(new Set(tap.errors), new Set([{ postgres: '55P03', mysql: '1205' }[kind]]))
        assert.deepEqual(await deadLetters(database, place), [])
        assert.equal(await storedOffset(database, place), '0')
      })
      assert.equal((await lane.commit(bothRows)).written, 2)
      await lane.release()
      await hasty.close()
    })

    it('of a serialization failure makes the lane try again', guard, async () => {
      const { database, kind } = context()
      const spec = keyedTable()
      // Only PostgreSQL has one at READ COMMITTED: the row that a deletion waits for moves to another partition.
      if (kind === 'postgres') {
        const columns = 'id bigint PRIMARY KEY, name varchar(10), kafka_partition int, kafka_offset bigint'
        await database.sql(`CREATE TABLE "${spec.table}" (${columns}) PARTITION BY RANGE (id)`)
        for (const [from, to] of [
          [0, 100],
          [100, 200],
        ]) {
          const part = `"${spec.table}_${from}" PARTITION OF "${spec.table}"`
          await database.sql(`CREATE TABLE ${part} FOR VALUES FROM (${from}) TO (${to})`)
        }
      }
      const place = await preparePlace(context().sink, spec)
      const lane = await claim(sink, place, { mode: 'upsert' })
      await database.sql(twoRows.replace('TABLE', `"${spec.table}"`))
      let writing: Promise<unknown> = Promise.resolve()
      await inTransaction(place, ['UPDATE TABLE SET id = 101 WHERE id = 1'], async () => {
        writing = lane.commit(batch(0n, [row(0n, [1n, null], 'delete'), row(1n, [2n, 'two'])]))
        await blocked()
      })
      assert.deepEqual(await writing, { written: 2, deadLettered: 0, recovered: false })
      assert.deepEqual(tap.errors, kind === 'postgres' ? ['40001'] : [])
      assert.deepEqual(await contents(place), [['2', 'two']])
      await lane.release()
    })
  })

  describe('claim of a locked row', () => {
    /** Calls `meanwhile` while another transaction holds the partition's row. */
    const locked = async (place: Place, meanwhile: () => Promise<void>): Promise<void> => {
      const { sink, database } = context()
      await (await claim(sink, place)).release()
      await database.sql('BEGIN')
      try {
        await database.sql(
          `SELECT * FROM kafka_offsets WHERE topic = '${place.topic}' AND "partition" = 0 AND consumer_group = '${place.group}' FOR UPDATE`,
        )
        await meanwhile()
      } finally {
        await database.sql('ROLLBACK')
      }
    }
    const stopped = /stopped while the partition was claimed/

    it('does not hold up the claims of other partitions', guard, async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      let last: Promise<{ readonly epoch: bigint; release(): Promise<void> }> | undefined
      await locked(place, async () => {
        last = claim(sink, place)
        const others = [1, 2, 3].map((partition) =>
          sink.claim({ topic: place.topic, partition }, owner(place)),
        )
        for (const lane of await Promise.all(others)) await lane.release()
      })
      const lane = await last
      assert.equal(lane?.epoch, 2n)
      await lane?.release()
    })

    it('is given up after the documented attempts', guard, async () => {
      const { kind, sink, database } = context()
      const place = await preparePlace(sink)
      const { tap, config } = await WireTap.open(database.config)
      const hasty = openSink(config, { lock: 50 })
      await locked(place, () => assert.rejects(claim(hasty, place), UnreachableError))
      assert.deepEqual(
        tap.errors,
        Array.from({ length: 5 }, () => ({ postgres: '55P03', mysql: '1205' })[kind]),
      )
      assert.equal((await sink.offsets(place.topic, place.group)).get(0)?.epoch, 1n)
      await hasty.close()
      await tap.close()
    })

    it('ends at once when its signal aborts, and leaves nothing', guard, async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      // The guard is shorter than the wait that the signal ends.
      const patient = openSink(database.config, { lock: 100_000 })
      const stop = new AbortController()
      const tp = { topic: place.topic, partition: 0 }
      await locked(place, async () => {
        const claiming = assert.rejects(patient.claim(tp, owner(place), stop.signal), stopped)
        while ((await database.blocked()) === 0) await sleep(150)
        stop.abort()
        await claiming
      })
      await assert.rejects(patient.claim(tp, owner(place), stop.signal), stopped)
      const lane = await claim(sink, place)
      assert.equal(lane.epoch, 2n)
      await lane.release()
      await patient.close()
    })

    it('ends at once when its signal aborts while it connects', guard, async () => {
      const { database } = context()
      const mute = createServer(() => {})
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
      const { port } = mute.address() as AddressInfo
      const sink = openSink({ ...database.config, host: '127.0.0.1', port }, { connect: 100_000 })
      const place = { topic: 'none', group: 'none', spec: keyedTable() }
      const stop = new AbortController()
      mute.once('connection', () => stop.abort())
      await assert.rejects(sink.claim({ topic: 'none', partition: 0 }, owner(place), stop.signal), stopped)
      await sink.close()
      await new Promise<void>((resolve) => mute.close(() => resolve()))
    })
  })
}
