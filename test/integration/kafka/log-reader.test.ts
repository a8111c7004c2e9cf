import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { UnreachableError } from '../../../src/errors.ts'
import { openPartitionReader, openProducer } from '../../../src/kafka/open.ts'
import type { Compression } from '../../../src/kafka/producer.ts'
import { config, endOffset, readBack, TransactionalWriter, temporaryTopic, texts, values } from './fixture.ts'
import { consoleConsumer } from './java-tool.ts'

/** What PartitionReader promises beyond contract/log.test.ts. */
suite('partition reader', () => {
  test('ends at `to`, or where the log ends', async (t) => {
    const topic = await temporaryTopic(t)
    const producer = openProducer(config, { clientId: 'test' })
    await producer.send(topic, 0, texts(0, 10))
    await producer.close()
    const part = await readBack(topic, { from: 2n, to: 5n })
    assert.deepEqual([values(part.records), part.nextOffset], [['v2', 'v3', 'v4'], 5n])
    const all = await readBack(topic, { from: 8n, to: 100n })
    assert.deepEqual([values(all.records), all.nextOffset], [['v8', 'v9'], 10n])
    const none = await readBack(topic, { from: 10n, to: 10n })
    assert.deepEqual(none, { records: [], nextOffset: 10n })
  })

  test('ends before a transaction that is still open', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    await writer.send('a', [{ value: 'a0' }, { value: 'a1' }])
    await writer.end('a', 'commit')
    await writer.send('b', [{ value: 'b0' }])
    await writer.send('a', [{ value: 'c0' }])
    await writer.end('a', 'commit')
    await writer.settledEnd()
    const held = await readBack(topic)
    assert.deepEqual([values(held.records), held.nextOffset], [['a0', 'a1'], 3n])
    await writer.end('b', 'commit')
    await writer.settledEnd()
    const { records } = await readBack(topic, { from: held.nextOffset })
    assert.deepEqual(values(records), ['b0', 'c0'])
  })

  test('counts records, markers and aborted records apart, from the middle of batches, too', async (t) => {
    const topic = await temporaryTopic(t)
    const writer = new TransactionalWriter(t, topic)
    const some = (count: number) => Array.from({ length: count }, (_, i) => ({ value: `${i}` }))
    await writer.send('a', some(5))
    await writer.send('b', some(4))
    await writer.end('a', 'abort')
    await writer.end('b', 'commit')
    const end = await writer.settledEnd()
    const reader = openPartitionReader(config)
    t.after(() => reader.close())
    const tp = { topic, partition: 0 }
    assert.deepEqual(await reader.count(tp, 0n, end), { records: 4n, markers: 2n, aborted: 5n })
    assert.deepEqual(await reader.count(tp, 2n, 7n), { records: 2n, markers: 0n, aborted: 3n })
  })

  test('close ends a read under way with an error', async (t) => {
    const topic = await temporaryTopic(t)
    const producer = openProducer(config, { clientId: 'test' })
    for (let i = 0; i < 5; i++) await producer.send(topic, 0, texts(i, 1))
    await producer.close()
    const reader = openPartitionReader(config)
    await assert.rejects(async () => {
      for await (const _ of reader.read({ topic, partition: 0 }, 0n, 100n)) await reader.close()
    }, UnreachableError)
  })
})

suite('codecs', () => {
  test("what we write in each, Kafka's own consumer reads", async (t) => {
    const topic = await temporaryTopic(t)
    const codecs: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const [i, compression] of codecs.entries()) {
      const producer = openProducer(config, { clientId: 'test', compression })
      await producer.send(topic, 0, texts(i * 3_000, 3_000))
      await producer.close()
    }
    assert.equal(await endOffset(topic), 15_000n)
    const java = await consoleConsumer(config.brokers, topic, 15_000)
    assert.deepEqual(
      java,
      texts(0, 15_000).map(({ value }) => String(value)),
    )
  })
})
