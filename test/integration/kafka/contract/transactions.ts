import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type TransactionalWriter, values } from '../fixture.ts'
import { consoleConsumer } from '../java-tool.ts'
import { Positions } from '../member.ts'
import type { Cases, TestBed } from './test-bed.ts'

/** Fetches of one batch each, and of everything. */
const fetchSizes = [1, 1 << 20]

const named = (prefix: string, count: number, key?: Buffer) =>
  Array.from({ length: count }, (_, i) => ({ value: `${prefix}${i}`, ...(key ? { key } : {}) }))

/** What is read from each of `starts` (default: every offset) is what was committed there or later. */
async function assertReadsCommitted(
  bed: TestBed,
  topic: string,
  writer: TransactionalWriter,
  options: { starts?: readonly bigint[]; sizes?: readonly number[] } = {},
): Promise<void> {
  const end = await writer.settledEnd()
  const all = Array.from({ length: Number(end) }, (_, i) => BigInt(i))
  for (const from of options.starts ?? all) {
    for (const maxPartitionBytes of options.sizes ?? fetchSizes) {
      const read = values(await bed.read(topic, { from, maxPartitionBytes }))
      assert.deepEqual(read, writer.committedFrom(from), `from ${from}, ${maxPartitionBytes} bytes`)
    }
  }
}

/** Writes to partition 0 of a topic that nobody else writes to. */
type Write = Pick<TransactionalWriter, 'send' | 'end'>

/** The abort cases in which other clients show aborted records; the letters are those of docs/kafka-client.md. */
export const abortHistories = {
  'a: two overlapping aborted transactions': async (writer: Write) => {
    await writer.send('a', named('a', 3))
    await writer.send('b', named('b', 2))
    await writer.send('c', named('c', 2))
    await writer.send('a', named('A', 2))
    await writer.end('a', 'abort')
    await writer.send('b', named('B', 3))
    await writer.end('c', 'commit')
    await writer.end('b', 'abort')
  },

  'b: one producer aborts, commits, aborts, commits in one fetch': async (writer: Write) => {
    for (const [i, how] of (['abort', 'commit', 'abort', 'commit'] as const).entries()) {
      await writer.send('a', named(`t${i}-`, 3))
      await writer.end('a', how)
    }
  },

  'c: an aborted transaction of 3 MB whose marker comes in a later fetch': async (writer: Write) => {
    for (let i = 0; i < 15; i++) {
      await writer.send('a', [{ value: `${i}`.padEnd(200_000, '.') }])
      if (i % 5 === 0) {
        await writer.send('b', named(`b${i}-`, 1))
        await writer.end('b', 'commit')
      }
    }
    await writer.end('a', 'abort')
    await writer.send('a', named('after', 2))
    await writer.end('a', 'commit')
  },

  'd: records whose keys are the bytes of a marker': async (writer: Write) => {
    const abortKey = Buffer.from([0, 0, 0, 0])
    const commitKey = Buffer.from([0, 0, 0, 1])
    await writer.send('a', [...named('a', 2, abortKey), ...named('b', 2, commitKey)])
    await writer.send('a', named('c', 2, abortKey))
    await writer.end('a', 'abort')
    await writer.send('a', named('d', 2, abortKey))
    await writer.end('a', 'commit')
  },
} as const

/** Where reading begins, and the fetch sizes, of each abort case. */
const readings: Readonly<
  Record<
    string,
    [history: keyof typeof abortHistories, { starts?: readonly bigint[]; sizes?: readonly number[] }]
  >
> = {
  'abort case a: two overlapping aborted transactions': [
    'a: two overlapping aborted transactions',
    { starts: [0n] },
  ],
  "abort case a': the same, begun in the middle: from every offset": [
    'a: two overlapping aborted transactions',
    {},
  ],
  'abort case b: one producer aborts, commits, aborts, commits in one fetch': [
    'b: one producer aborts, commits, aborts, commits in one fetch',
    {},
  ],
  'abort case c: an aborted transaction of 3 MB whose marker comes in a later fetch': [
    'c: an aborted transaction of 3 MB whose marker comes in a later fetch',
    { starts: [0n, 1n, 7n, 18n], sizes: [1_000, 250_000, 1 << 23] },
  ],
  'abort case d: records whose keys are the bytes of a marker': [
    'd: records whose keys are the bytes of a marker',
    {},
  ],
}

export const abortCases: Cases = Object.fromEntries(
  Object.entries(readings).map(([name, [history, options]]): [string, Cases[string]] => [
    name,
    async (bed) => {
      const topic = await bed.topic()
      const writer = bed.writer(topic)
      await abortHistories[history](writer)
      await assertReadsCommitted(bed, topic, writer, options)
    },
  ]),
)

export const randomTransactions: Cases = {
  "a random history of transactions: what was committed, and what Kafka's own consumer reads": async (
    bed,
  ) => {
    const seed = Number(process.env.ETL_TEST_SEED ?? Date.now() % 2 ** 31)
    bed.diagnostic(`ETL_TEST_SEED=${seed}`)
    const random = randomFrom(seed)
    const upTo = (most: number) => Math.floor(random() * most)
    const topic = await bed.topic()
    const writer = bed.writer(topic)
    for (let step = 0; step < 60; step++) {
      const producer = `p${upTo(4)}`
      const open = writer.openProducers.includes(producer)
      if (open && random() < 0.5) await writer.end(producer, random() < 0.5 ? 'commit' : 'abort')
      else {
        // Sizes from a few bytes to more than a fetch.
        const padding = '.'.repeat(10 ** upTo(5))
        await writer.send(
          producer,
          named(`s${step}-`, 1 + upTo(5)).map(({ value }) => ({ value: value + padding })),
        )
      }
    }
    for (const producer of writer.openProducers)
      await writer.end(producer, random() < 0.5 ? 'commit' : 'abort')
    await writer.send('p0', named('last', 1))
    await writer.end('p0', 'commit')
    const end = Number(await writer.settledEnd())
    const starts = [0n, ...Array.from({ length: 8 }, () => BigInt(upTo(end)))]
    const sizes = [1, 1 + upTo(50_000), 1 << 23]
    await assertReadsCommitted(bed, topic, writer, { starts, sizes })
    const java = await consoleConsumer(bed.cluster.brokers, topic, writer.committed.size)
    assert.deepEqual(java, writer.committedFrom(0n))
  },
}

export const openTransaction: Cases = {
  'records behind an open transaction wait until it ends, and none is passed over': async (bed) => {
    const topic = await bed.topic()
    const writer = bed.writer(topic)
    await writer.send('a', named('a', 2))
    await writer.end('a', 'commit')
    await writer.send('b', named('b', 2))
    await writer.send('a', named('c', 2))
    await writer.end('a', 'commit')
    await writer.settledEnd()
    const positions = new Positions()
    const member = bed.member(positions, { group: topic, topics: [topic] })
    await member.until(() => member.values.length >= 2)
    await delay(500) // time enough to read too much
    assert.deepEqual(member.values, ['a0', 'a1'])
    await writer.end('b', 'commit')
    await member.until(() => positions.of({ topic, partition: 0 }) === 9n)
    assert.deepEqual(member.values, ['a0', 'a1', 'b0', 'b1', 'c0', 'c1'])
  },
}

/** mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
