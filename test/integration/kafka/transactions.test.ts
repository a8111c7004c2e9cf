import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openPartitionReader } from '../../../src/kafka/open.ts'
import { config, readBack, TransactionalWriter, temporaryTopic, values } from './fixture.ts'
import { consoleConsumer } from './java-tool.ts'

const named = (prefix: string, count: number, key?: Buffer) =>
  Array.from({ length: count }, (_, i) => ({ value: `${prefix}${i}`, ...(key ? { key } : {}) }))

/** From each start offset, and with fetches from one batch to everything. */
async function assertReadsCommitted(
  topic: string,
  writer: TransactionalWriter,
  starts?: readonly bigint[],
): Promise<void> {
  const end = await writer.settledEnd()
  const all = Array.from({ length: Number(end) }, (_, i) => BigInt(i))
  for (const from of starts ?? all) {
    for (const maxPartitionBytes of [1, 1_000, 1 << 20]) {
      const { records, nextOffset } = await readBack(topic, { from, maxPartitionBytes })
      assert.deepEqual(
        values(records),
        writer.committedFrom(from),
        `from ${from}, ${maxPartitionBytes} bytes`,
      )
      assert.equal(nextOffset, end)
    }
  }
}

suite('read committed', () => {
  test('two overlapping aborted transactions, from every offset', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    await writer.send('a', named('a', 3))
    await writer.send('b', named('b', 2))
    await writer.send('c', named('c', 2))
    await writer.send('a', named('A', 2))
    await writer.end('a', 'abort')
    await writer.send('b', named('B', 3))
    await writer.end('c', 'commit')
    await writer.end('b', 'abort')
    await assertReadsCommitted(topic, writer)
    const reader = openPartitionReader(config)
    t.after(() => reader.close())
    const end = await writer.settledEnd()
    assert.deepEqual(await reader.count({ topic, partition: 0 }, 0n, end), {
      records: 2n,
      markers: 3n,
      aborted: 10n,
    })
  })

  test('one producer: abort, commit, abort, commit', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    for (const [i, how] of (['abort', 'commit', 'abort', 'commit'] as const).entries()) {
      await writer.send('a', named(`t${i}-`, 5))
      await writer.end('a', how)
    }
    await assertReadsCommitted(topic, writer)
  })

  test('an aborted transaction of 3 MB whose marker comes in a later fetch', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
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
    const end = await writer.settledEnd()
    for (const maxPartitionBytes of [1_000, 250_000, 1 << 23]) {
      for (const from of [0n, 1n, 7n, end - 4n]) {
        const { records } = await readBack(topic, { from, maxPartitionBytes })
        assert.deepEqual(values(records), writer.committedFrom(from))
      }
    }
  })

  test('aborted and committed records whose keys are the bytes of a marker', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    const abortKey = Buffer.from([0, 0, 0, 0])
    const commitKey = Buffer.from([0, 0, 0, 1])
    await writer.send('a', [...named('a', 2, abortKey), ...named('b', 2, commitKey)])
    await writer.send('a', named('c', 2, abortKey))
    await writer.end('a', 'abort')
    await writer.send('a', named('d', 2, abortKey))
    await writer.end('a', 'commit')
    await assertReadsCommitted(topic, writer)
  })

  test('what an open transaction holds back is not given, and not passed over', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    await writer.send('a', named('a', 2))
    await writer.end('a', 'commit')
    await writer.send('b', named('b', 2))
    await writer.send('a', named('c', 2))
    await writer.end('a', 'commit')
    await writer.settledEnd()
    const held = await readBack(topic)
    assert.deepEqual(values(held.records), ['a0', 'a1'])
    assert.equal(held.nextOffset, 3n)
    await writer.end('b', 'commit')
    await writer.settledEnd()
    const { records } = await readBack(topic, { from: held.nextOffset })
    assert.deepEqual(values(records), ['b0', 'b1', 'c0', 'c1'])
  })

  test("a random history of four producers: what we read is what was committed, and what Java's consumer reads", async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    const seed = Date.now() % 2 ** 31
    t.diagnostic(`seed ${seed}`)
    const random = randomFrom(seed)
    for (let step = 0; step < 60; step++) {
      const producer = `p${Math.floor(random() * 4)}`
      const open = writer.openProducers.includes(producer)
      if (open && random() < 0.5) await writer.end(producer, random() < 0.5 ? 'commit' : 'abort')
      else await writer.send(producer, named(`s${step}-`, 1 + Math.floor(random() * 5)))
    }
    for (const producer of writer.openProducers)
      await writer.end(producer, random() < 0.5 ? 'commit' : 'abort')
    await writer.send('p0', named('last', 1))
    await writer.end('p0', 'commit')
    const end = Number(await writer.settledEnd())
    const starts = Array.from({ length: 15 }, () => BigInt(Math.floor(random() * end)))
    await assertReadsCommitted(topic, writer, [0n, ...starts])
    const java = await consoleConsumer(config.brokers, topic, writer.committed.size)
    assert.deepEqual(java, writer.committedFrom(0n))
  })
})

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
