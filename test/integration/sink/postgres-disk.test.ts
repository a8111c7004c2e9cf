import assert from 'node:assert/strict'
import { lchownSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { UnreachableError } from '../../../src/errors.ts'
import { openSink } from '../../../src/sink/open.ts'
import type { Sink } from '../../../src/sink/sink.ts'
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

const guard = { timeout: 60_000 }

/**
 * A disk that is full for one file: its name is a link to /dev/full, where every write fails with ENOSPC. Unlike a small file system
 * that needs no privilege, and what the server says is what it says of a full disk.
 */
describe('a full disk: postgres', () => {
  let server: OwnServer
  let tap: WireTap
  let sink: Sink

  before(async () => {
    server = await ownServer('postgres')
    const tapped = await WireTap.open(server.config)
    tap = tapped.tap
    sink = openSink(tapped.config)
  })
  after(async () => {
    await sink?.close()
    await tap?.close()
    await server?.dispose()
  })

  /** Sessions that have the file open keep the one that they opened. */
  const reopen = () =>
    server.admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'etl'")

  const fileOf = async (table: string): Promise<string> => {
    const [found] = await server.admin(`SELECT pg_relation_filepath('"${table}"')`)
    return join(server.data, 'data', found?.[0] ?? '')
  }
  const replace = (file: string, make: () => void): void => {
    const { uid, gid } = statSync(join(server.data, 'data'))
    rmSync(file)
    make()
    lchownSync(file, uid, gid)
  }

  for (const table of ['rows', 'etl_ledger', 'etl_dead_letters']) {
    it(
      `that has no room for ${table} dead-letters nothing, and the batch goes in when it has`,
      guard,
      async () => {
        const place = await preparePlace(sink)
        // Empty files, so that the first write has to make them longer.
        await server.admin('TRUNCATE etl_ledger, etl_dead_letters')
        const lane = await claim(sink, place)
        const file = await fileOf(table === 'rows' ? place.spec.table : table)
        await reopen()
        replace(file, () => symlinkSync('/dev/full', file))
        tap.reset()
        const rows = [...plainRows(0n, 3), row(3n, [3n, 'far too long a name'])]
        await assert.rejects(lane.commit(batch(0n, rows)), (err: UnreachableError) => {
          assert(err instanceof UnreachableError, err)
          assert.match(String(err.cause), /No space left on device/)
          return true
        })
        assert(tap.errors.includes('53100'), String(tap.errors))
        await reopen()
        replace(file, () => writeFileSync(file, '', { mode: 0o600 }))
        assert.deepEqual(await storedIds(server, place.spec), [])
        assert.deepEqual(await deadLetters(server, place), [])
        assert.equal(await storedOffset(server, place), '0')
        assert.deepEqual(await lane.commit(batch(0n, rows)), {
          written: 3,
          deadLettered: 1,
          recovered: false,
        })
        assert.deepEqual(await storedIds(server, place.spec), ['0', '1', '2'])
        assert.deepEqual(await deadLetters(server, place), [['3', 'data', '1']])
        await lane.release()
      },
    )
  }
})
