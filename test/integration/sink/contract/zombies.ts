import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FencedError } from '../../../../src/errors.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { Owner, Sink, SinkConfig } from '../../../../src/sink/sink.ts'
import {
  batch,
  booksOf,
  type Context,
  claim,
  deadLetters,
  owner,
  type Place,
  plainRows,
  preparePlace,
  storedIds,
  storedOffset,
} from '../fixtures.ts'
import type { FrozenOwnerTask } from '../frozen-owner.ts'
import { WireTap } from '../wire-tap.ts'

const guard = { timeout: 60_000 }
const program = fileURLToPath(new URL('../frozen-owner.ts', import.meta.url))

export function zombies(context: () => Context): void {
  describe('zombie', () => {
    let tap: WireTap
    let viaTap: SinkConfig
    let slow: Sink
    let place: Place

    before(async () => {
      const tapped = await WireTap.open(context().database.config)
      tap = tapped.tap
      viaTap = tapped.config
      slow = openSink(viaTap)
    })
    after(async () => {
      await slow.close()
      await tap.close()
    })
    beforeEach(async () => {
      tap.reset()
      place = await preparePlace(context().sink)
    })

    /** Stops the statement, or its answer, that `pattern` matches. */
    const hold = (when: 'beforeServer' | 'beforeClient', pattern: RegExp) => {
      let reached = (): void => {}
      let go = (): void => {}
      const held = new Promise<void>((resolve) => {
        reached = resolve
      })
      const released = new Promise<void>((resolve) => {
        go = resolve
      })
      tap[when] = async (statement) => {
        if (!pattern.test(statement.trim())) return
        reached()
        await released
      }
      return { held, release: () => go() }
    }

    it('that wakes in mid-batch writes nothing, and was in nobody’s way', guard, async () => {
      const { sink, database } = context()
      const zombie = await claim(slow, place)
      const { held, release } = hold('beforeServer', /etl_ledger/)
      const woken = assert.rejects(zombie.commit(batch(0n, plainRows(0n, 3))), FencedError)
      await held
      // Its rows are written and not committed; the fence comes last, so that the row of kafka_offsets is free.
      const heir = await claim(sink, place)
      assert.deepEqual([heir.nextOffset, heir.epoch], [0n, 2n])
      release()
      await woken
      await heir.commit(batch(0n, plainRows(0n, 2)))
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.batches, 1n)
      await zombie.release()
      await heir.release()
    })

    it(
      'that wakes between fence and COMMIT commits before the claim, which starts behind it',
      guard,
      async () => {
        const { sink, database } = context()
        const zombie = await claim(slow, place)
        const { held, release } = hold('beforeServer', /^COMMIT/)
        const writing = zombie.commit(batch(0n, plainRows(0n, 3)))
        await held
        const claiming = claim(sink, place)
        // InnoDB renews what it says of transactions only when nobody asked for 100 ms.
        while ((await database.blocked()) === 0) await sleep(150)
        release()
        assert.deepEqual(await writing, { written: 3, deadLettered: 0, recovered: false })
        const heir = await claiming
        assert.deepEqual([heir.nextOffset, heir.epoch], [3n, 2n])
        await assert.rejects(zombie.commit(batch(3n, plainRows(3n, 1))), FencedError)
        assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2'])
        await zombie.release()
        await heir.release()
      },
    )

    it('that wakes after COMMIT has written its batch and no other', guard, async () => {
      const { sink, database } = context()
      const zombie = await claim(slow, place)
      const { held, release } = hold('beforeClient', /^COMMIT/)
      const writing = zombie.commit(batch(0n, plainRows(0n, 3)))
      await held
      const heir = await claim(sink, place)
      assert.equal(heir.nextOffset, 3n)
      await heir.commit(batch(3n, plainRows(3n, 2)))
      release()
      assert.equal((await writing).written, 3)
      // At the very offset that is stored: only the epoch tells it from the owner.
      await database.sql(`UPDATE kafka_offsets SET "offset" = 3 WHERE topic = '${place.topic}'`)
      await assert.rejects(zombie.commit(batch(3n, plainRows(5n, 1))), FencedError)
      assert.deepEqual(await storedIds(database, place.spec), ['0', '1', '2', '3', '4'])
      await zombie.release()
      await heir.release()
    })

    it('that finds its heir’s rows in its way tells nobody of bad records', guard, async () => {
      const { sink, database } = context()
      const tp = { topic: place.topic, partition: 0 }
      const told: bigint[] = []
      const onDeadLetters: Owner['onDeadLetters'] = async (_, letters) => {
        told.push(...letters.map(({ record }) => record.offset))
      }
      const lanes = []
      for (const onError of ['dlq', 'stop'] as const) {
        lanes.push(await sink.claim(tp, owner(place, { onDeadLetters }, { onError })))
      }
      const heir = await claim(sink, place)
      await heir.commit(batch(0n, plainRows(0n, 3)))
      for (const zombie of lanes) {
        await assert.rejects(zombie.commit(batch(0n, plainRows(0n, 3))), FencedError)
        await zombie.release()
      }
      assert.deepEqual(told, [])
      assert.deepEqual(await deadLetters(database, place), [])
      await heir.release()
    })

    /** Starts a process that owns the partition, and stops it at the statement. */
    const frozenAt = async (
      statement: RegExp,
    ): Promise<{ child: ChildProcess; printed: Promise<string> }> => {
      const task: FrozenOwnerTask = { config: viaTap, place, idleInTransaction: 1000 }
      const owner = spawn(process.execPath, [program, JSON.stringify(task)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = owner
      const printed = text(owner)
      let inBatch = false
      await new Promise<void>((resolve) => {
        tap.beforeServer = (sent) => {
          inBatch ||= sent.includes('etl_ledger')
          if (!inBatch || !statement.test(sent.trim())) return
          // The process stopped a moment before it would have sent this; the server never sees it.
          owner.kill('SIGSTOP')
          tap.beforeServer = () => {}
          resolve()
          return new Promise((thawed) => owner.once('exit', () => thawed()))
        }
      })
      return { child: owner, printed }
    }
    let child: ChildProcess | undefined
    afterEach(() => child?.kill('SIGKILL'))

    for (const [where, statement] of [
      ['in mid-batch', /etl_ledger/],
      ['between fence and COMMIT', /^COMMIT/],
    ] as const) {
      it(
        `whose process is stopped ${where} holds nobody up for longer than the idle limit`,
        guard,
        async () => {
          const { database, kind } = context()
          // The server ends the frozen session after 1 s; a claim or commit that met its locks for longer than this would fail.
          const heirs = openSink(database.config, { lock: 5000 })
          const { child, printed } = await frozenAt(statement)
          const heir = await claim(heirs, place)
          assert.deepEqual([heir.nextOffset, heir.epoch], [0n, 2n])
          await heir.commit(batch(0n, plainRows(0n, 2)))
          child.kill('SIGCONT')
          assert.equal(await printed, 'FencedError')
          // MariaDB hangs up without a word.
          if (kind === 'postgres') assert.equal(tap.errors[0], '25P03')
          assert.deepEqual(await storedIds(database, place.spec), ['0', '1'])
          assert.equal(await storedOffset(database, place), '2')
          await heir.release()
          await heirs.close()
        },
      )
    }
  })
}

async function text(child: ChildProcess): Promise<string> {
  let all = ''
  for await (const bytes of child.stdout ?? []) all += String(bytes)
  return all
}
