import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { ConfigError, UnreachableError } from '../../../src/errors.ts'
import { openSink } from '../../../src/sink/open.ts'
import type { Lane, Sink, SinkConfig } from '../../../src/sink/sink.ts'
import { SqlFailure } from '../../../src/sink/sql/failure.ts'
import {
  awaitReadOnly,
  endSessions,
  fillConnections,
  limitStatements,
  lockTable,
  onceWaiting,
} from './administration.ts'
import {
  appendTable,
  batch,
  booksOf,
  claim,
  column,
  deadLetters,
  type Place,
  plainRows,
  preparePlace,
  row,
  storedIds,
  storedOffset,
} from './fixtures.ts'
import { type OwnServer, ownServer } from './own-server.ts'
import { WireTap } from './wire-tap.ts'

/** A hang is what these tests look for; far above what they need. */
const guard = { timeout: 60_000 }
const firstBatch = batch(0n, plainRows(0n, 3))

/** What a sink does while its server dies, is full of sessions, read-only or administered: a server of its own. */
export function serverFaults(kind: SinkConfig['kind']): void {
  describe(`sink faults: ${kind}`, () => {
    let server: OwnServer
    let tap: WireTap
    let sink: Sink
    let place: Place
    let lane: Lane

    before(async () => {
      server = await ownServer(
        kind,
        {
          postgres: ['max_connections=20', 'superuser_reserved_connections=3'],
          mysql: ['max-connections=12'],
        }[kind],
      )
      const tapped = await WireTap.open(server.config)
      tap = tapped.tap
      sink = openSink(tapped.config)
    })
    after(async () => {
      await sink?.close()
      await tap?.close()
      await server?.dispose()
    })
    beforeEach(async () => {
      tap.reset()
      place = await preparePlace(sink)
      lane = await claim(sink, place)
      tap.reset()
    })

    /** The batch was refused for the environment, and left no trace. */
    const refuses = async (
      work: Promise<unknown>,
      codes: readonly string[] = [],
      fault: Promise<void> = Promise.resolve(),
    ): Promise<void> => {
      await assert.rejects(work, (err: UnreachableError) => {
        assert(err instanceof UnreachableError, err)
        return true
      })
      await fault
      for (const code of codes) assert(tap.errors.includes(code), `${code} is not among ${tap.errors}`)
      assert.deepEqual(await storedIds(server, place.spec), [])
      assert.deepEqual(await deadLetters(server, place), [])
      assert.equal(await storedOffset(server, place), '0')
    }
    /** The same batch goes in, exactly once. */
    const commits = async (): Promise<void> => {
      assert.deepEqual(await lane.commit(firstBatch), { written: 3, deadLettered: 0, recovered: false })
      await holdsOnce()
    }
    const holdsOnce = async (): Promise<void> => {
      assert.equal(lane.nextOffset, 3n)
      assert.deepEqual(await storedIds(server, place.spec), ['0', '1', '2'])
      assert.equal(await storedOffset(server, place), '3')
      assert.deepEqual(await deadLetters(server, place), [])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.batches, 1n)
      await lane.release()
    }
    const reboot = async (how: 'kill' | 'stop'): Promise<void> => {
      await server[how]()
      await server.start()
    }

    for (const how of ['kill', 'stop'] as const) {
      it(
        `a server that is ${how === 'kill' ? 'killed' : 'shut down'} in mid-batch keeps nothing of it`,
        guard,
        async () => {
          const rebooted = once(tap, 'beforeServer', /etl_ledger/, () => reboot(how))
          await refuses(lane.commit(firstBatch), [], rebooted)
          await commits()
        },
      )
    }

    it('a COMMIT that a killed server never saw is made again', guard, async () => {
      once(tap, 'beforeServer', /^COMMIT/, () => reboot('kill'))
      await commits()
    })

    it('a COMMIT that a killed server had answered is not made again', guard, async () => {
      const rebooted = once(tap, 'beforeClient', /^COMMIT/, () => reboot('kill'))
      const { recovered } = await lane.commit(firstBatch)
      await rebooted
      assert.equal(recovered, true)
      await holdsOnce()
    })

    for (const ms of [0, 1, 2, 4]) {
      it(`a server that is killed ${ms} ms into COMMIT holds the batch once`, guard, async () => {
        let rebooted: Promise<void> | undefined
        const sent = once(tap, 'beforeServer', /^COMMIT/, () => {
          rebooted = new Promise((resolve) => setTimeout(resolve, ms)).then(() => reboot('kill'))
        })
        const { written } = await lane.commit(firstBatch)
        await sent
        await rebooted
        assert.equal(written, 3)
        await holdsOnce()
      })
    }

    it('a session that an administrator ends in mid-batch is replaced', guard, async () => {
      const ended = once(tap, 'beforeServer', /etl_ledger/, () => endSessions(server))
      await refuses(lane.commit(firstBatch), [], ended)
      await commits()
    })

    it('a session that an administrator ends in a statement is replaced', guard, async () => {
      const locked = await lockTable(server, place)
      try {
        await Promise.all([
          // MariaDB hangs up without a word.
          assert.rejects(lane.commit(firstBatch), isFailure({ postgres: '57P01', mysql: '' }[kind])),
          onceWaiting(server, { postgres: 'SELECT pg_terminate_backend(ID)', mysql: 'KILL ID' }[kind]),
        ])
      } finally {
        await locked.end()
      }
      await commits()
    })

    it('a statement that is cancelled, or takes too long for the server, blames nobody', guard, async () => {
      const locked = await lockTable(server, place)
      try {
        await Promise.all([
          assert.rejects(lane.commit(firstBatch), isFailure({ postgres: '57014', mysql: '1317' }[kind])),
          onceWaiting(server, { postgres: 'SELECT pg_cancel_backend(ID)', mysql: 'KILL QUERY ID' }[kind]),
        ])
        await lane.release()
        await limitStatements(server, true)
        lane = await claim(sink, place)
        await assert.rejects(lane.commit(firstBatch), isFailure({ postgres: '57014', mysql: '1969' }[kind]))
      } finally {
        await limitStatements(server, false)
        await locked.end()
      }
      assert.deepEqual(await deadLetters(server, place), [])
      await lane.release()
      lane = await claim(sink, place)
      await commits()
    })

    it('a server that became read-only dead-letters nothing', guard, async () => {
      const [on, off] = {
        postgres: [
          ['ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()'],
          [
            'SET default_transaction_read_only = off',
            'ALTER SYSTEM RESET default_transaction_read_only',
            'SELECT pg_reload_conf()',
          ],
        ] as const,
        mysql: [['SET GLOBAL read_only = 1'], ['SET GLOBAL read_only = 0']] as const,
      }[kind]
      await server.admin(...on)
      try {
        await awaitReadOnly(server, true)
        // Sessions that were there before, and new ones.
        await refuses(lane.commit(firstBatch), [{ postgres: '25006', mysql: '1290' }[kind]])
        await refuses(claim(sink, place))
      } finally {
        await server.admin(...off)
      }
      await awaitReadOnly(server, false)
      await commits()
    })

    it('a server with too many connections dead-letters nothing', guard, async () => {
      await endSessions(server)
      const others = await fillConnections(server.config)
      try {
        const full = { postgres: '53300', mysql: '1040' }[kind]
        await assert.rejects(lane.commit(firstBatch), isFailure(full))
        await assert.rejects(claim(sink, place), isFailure(full))
        await assert.rejects(sink.offsets(place.topic, place.group), isFailure(full))
      } finally {
        await Promise.all(others.map((close) => close()))
      }
      assert.deepEqual(await deadLetters(server, place), [])
      await commits()
    })

    it('a privilege that is gone is the plan’s business, and rejects no record', guard, async () => {
      const user = { postgres: 'limited', mysql: "limited@'127.0.0.1'" }[kind]
      const create = {
        postgres: `CREATE ROLE limited LOGIN PASSWORD 'limited'`,
        mysql: `CREATE USER ${user} IDENTIFIED BY 'limited'`,
      }[kind]
      const table = (name: string) => (kind === 'postgres' ? `"${name}"` : `etl.${name}`)
      await server.admin(
        create,
        ...['kafka_offsets', 'etl_ledger', 'etl_dead_letters'].map(
          (name) => `GRANT SELECT, INSERT, UPDATE ON ${table(name)} TO ${user}`,
        ),
        `GRANT SELECT ON ${table(place.spec.table)} TO ${user}`,
      )
      await lane.release()
      const { tap: heard, config } = await WireTap.open(server.config)
      const limited = openSink({ ...config, user: 'limited', password: 'limited' })
      lane = await claim(limited, place)
      await assert.rejects(lane.commit(firstBatch), ConfigError)
      assert(heard.errors.includes({ postgres: '42501', mysql: '1142' }[kind]), String(heard.errors))
      assert.deepEqual(await deadLetters(server, place), [])
      await server.admin(`GRANT INSERT ON ${table(place.spec.table)} TO ${user}`)
      await commits()
      await limited.close()
      await heard.close()
    })

    if (kind === 'mysql') {
      it('a server that is told to keep warnings to itself rounds nothing unseen', guard, async () => {
        await server.admin('SET GLOBAL sql_notes = 0', 'SET GLOBAL max_error_count = 0')
        try {
          const spec = {
            ...appendTable(),
            columns: [column('amount', { kind: 'decimal' as const, precision: 20, scale: 4 })],
          }
          place = await preparePlace(sink, spec)
          await lane.release()
          lane = await claim(sink, place)
          await server.sql(`ALTER TABLE "${spec.table}" MODIFY amount DECIMAL(20,1) NOT NULL`)
          await assert.rejects(lane.commit(batch(0n, [row(0n, ['1.2345'])])), ConfigError)
          assert.deepEqual(await server.sql(`SELECT amount FROM "${spec.table}"`), [])
        } finally {
          await server.admin('SET GLOBAL sql_notes = DEFAULT', 'SET GLOBAL max_error_count = DEFAULT')
          await lane.release()
        }
      })
    }

    if (kind === 'postgres') {
      it('a standby writes nothing until it is promoted', guard, async () => {
        await server.stop()
        await server.standby()
        await server.start()
        await refuses(lane.commit(firstBatch), ['25006'])
        await refuses(claim(sink, place), ['25006'])
        assert((await sink.check()).some(({ check, status }) => check === 'writable' && status === 'error'))
        await server.admin('SELECT pg_promote()')
        await commits()
      })
    }
  })
}

/** Calls `act` at the first statement that matches; resolves when that is done. */
function once(
  tap: WireTap,
  when: 'beforeServer' | 'beforeClient',
  pattern: RegExp,
  act: () => Promise<void> | void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false
    tap[when] = async (statement) => {
      if (done || !pattern.test(statement.trim())) return
      done = true
      const acting = Promise.resolve(act())
      acting.then(resolve, reject)
      await acting
    }
  })
}

/** UnreachableError because of the server's error `code`. */
function isFailure(code: string): (err: unknown) => boolean {
  return (err) => {
    assert(err instanceof UnreachableError, String(err))
    assert(err.cause instanceof SqlFailure, String(err.cause))
    assert.equal(err.cause.code, code)
    return true
  }
}
