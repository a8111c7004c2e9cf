import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { UnreachableError } from '../../../src/errors.ts'
import { openSink } from '../../../src/sink/open.ts'
import type { Receipt, Sink } from '../../../src/sink/sink.ts'
import {
  batch,
  claim,
  deadLetters,
  plainRows,
  preparePlace,
  row,
  storedIds,
  storedOffset,
} from './fixtures.ts'
import { type OwnServer, ownServer } from './own-server.ts'
import { WireTap } from './wire-tap.ts'

/**
 * InnoDB answers "the table is full" (1114) whenever it cannot make a file longer: because the disk is full, or because
 * the file must not grow, as here, where all tables share one file of a fixed size. That needs no privilege and no small disk.
 */
describe('a full disk: mysql', () => {
  let server: OwnServer
  let tap: WireTap
  let sink: Sink

  before(async () => {
    server = await ownServer('mysql', [
      'innodb-file-per-table=0',
      'innodb-data-file-path=ibdata1:12M:autoextend:max:16M',
    ])
    const tapped = await WireTap.open(server.config)
    tap = tapped.tap
    sink = openSink(tapped.config)
  })
  after(async () => {
    await sink?.close()
    await tap?.close()
    await server?.dispose()
  })

  /** Takes the room that there is, in ever smaller pieces; without pages outside of the rows, whose rollback crashes MariaDB 11.4. */
  const fill = async (): Promise<void> => {
    await server.sql('CREATE TABLE ballast (bytes varchar(4000)) CHARACTER SET latin1')
    for (let rows = 64; rows >= 1; ) {
      const values = Array.from({ length: rows }, () => "(REPEAT('x', 4000))").join(', ')
      try {
        await server.sql(`INSERT INTO ballast VALUES ${values}`)
      } catch (err) {
        assert.equal((err as { errno?: number }).errno, 1114, String(err))
        rows >>= 1
      }
    }
  }

  it('dead-letters nothing, and the batch goes in when there is room', { timeout: 60_000 }, async () => {
    const place = await preparePlace(sink)
    const lane = await claim(sink, place)
    await fill()
    tap.reset()
    // More than the pages that the table has already.
    const rows = [...plainRows(0n, 3000), row(3000n, [3000n, 'far too long a name'])]
    for (let i = 0; i < 2; i++) {
      await assert.rejects(lane.commit(batch(0n, rows)), (err: UnreachableError) => {
        assert(err instanceof UnreachableError, err)
        assert.match(String(err.cause), /is full/)
        return true
      })
      assert.equal(tap.errors.at(-1), '1114')
      assert.deepEqual(await storedIds(server, place.spec), [])
      assert.deepEqual(await deadLetters(server, place), [])
      assert.equal(await storedOffset(server, place), '0')
    }
    await server.sql('DROP TABLE ballast')
    // The room comes back when InnoDB purges, some time later.
    const committed = async (): Promise<Receipt> => {
      for (;;) {
        try {
          return await lane.commit(batch(0n, rows))
        } catch (err) {
          assert(err instanceof UnreachableError, String(err))
        }
      }
    }
    assert.deepEqual(await committed(), { written: 3000, deadLettered: 1, recovered: false })
    assert.equal((await storedIds(server, place.spec)).length, 3000)
    assert.deepEqual(await deadLetters(server, place), [['3000', 'data', '1']])
    await lane.release()
  })
})
