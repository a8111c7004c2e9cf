import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { values } from '../fixture.ts'
import type { Cases, TestBed } from './test-bed.ts'

/** Compacts as soon as there is something to compact. */
const compacted = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.001',
  'segment.ms': '100',
  'segment.bytes': '1048576',
  'min.compaction.lag.ms': '0',
  'max.compaction.lag.ms': '1',
}

const keyed = (round: number, ...keys: string[]) =>
  keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from(`${key}${round}`) }))

/**
 * Adds to the log until the cleaner has been there: it never touches the newest segment. `read` looks and says when it is done.
 */
async function untilCleaned(bed: TestBed, topic: string, done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) {
    await bed.produce(topic, [{ key: Buffer.from('roll'), value: Buffer.from('roll') }])
    await delay(500)
  }
}

const withoutRoll = (found: readonly string[]) => found.filter((value) => value !== 'roll')

export const compaction: Cases = {
  'a compacted topic: the records that are left, over the gaps, from every offset': async (bed) => {
    const topic = await bed.topic(1, compacted)
    for (const keys of [['a', 'b', 'c', 'd'], ['b', 'c'], ['c']]) {
      await bed.produce(topic, keyed(3 - keys.length, ...keys))
      await delay(150) // a segment of its own
    }
    let left: string[] = []
    await untilCleaned(bed, topic, async () => {
      left = withoutRoll(values(await bed.read(topic)))
      return left.length === 4
    })
    assert.deepEqual(left.toSorted(), ['a-1', 'b1', 'c2', 'd-1'])
    for (let from = 0n; from < 7n; from++) {
      const records = (await bed.read(topic, { from })).filter(({ value }) => String(value) !== 'roll')
      assert(records.every(({ offset }) => offset >= from))
      assert.deepEqual(values(records), left.slice(left.length - records.length))
    }
  },

  'a batch emptied by compaction is passed over': async (bed) => {
    const topic = await bed.topic(1, compacted)
    // Each producer's last batch stays in the log even when it is empty, because it holds the sequence.
    for (const round of [1, 2, 3]) {
      await bed.produce(topic, round === 2 ? keyed(round, 'b', 'c') : keyed(round, 'a', 'b', 'c'))
      await delay(150) // a segment of its own
    }
    const wanted = ['a3', 'b3', 'c3']
    let found: string[] = []
    await untilCleaned(bed, topic, async () => {
      found = withoutRoll(values(await bed.read(topic)))
      assert.deepEqual(found.slice(-3), wanted)
      return found.length === wanted.length
    })
    for (let from = 0n; from < 8n; from++) {
      // A fetch then holds one batch: of those that are empty, nothing but its header says how to go on.
      const rest = withoutRoll(values(await bed.read(topic, { from, maxPartitionBytes: 1 })))
      assert.deepEqual(rest, wanted.slice(Math.max(0, Number(from) - 5)))
    }
  },
}
