import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { RecordsRejectedError, RecordTooLargeError } from '../../../src/kafka/errors.ts'
import { LogReader } from '../../../src/kafka/log-reader.ts'
import { openProducer } from '../../../src/kafka/open.ts'
import { throughProxy } from './broker-proxy.ts'
import { config, endOffset, readBack, temporaryTopic, texts, values } from './fixture.ts'

suite('producer', () => {
  test('200 concurrent sends: distinct offsets, in the order of the calls', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const producer = openProducer(config, { clientId: 'test' })
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => producer.send(topic, i % 2, texts(i * 10, 1 + (i % 3)))),
    )
    await producer.close()
    for (const partition of [0, 1]) {
      const { records } = await readBack(topic, { partition })
      const expected = results.flatMap((_, i) => (i % 2 === partition ? texts(i * 10, 1 + (i % 3)) : []))
      assert.deepEqual(
        values(records),
        expected.map(({ value }) => String(value)),
      )
      results.forEach(({ baseOffset, records: count }, i) => {
        if (i % 2 !== partition) return
        assert.equal(count, 1 + (i % 3))
        assert.equal(String(records[Number(baseOffset)]?.value), `v${i * 10}`)
      })
    }
  })

  test('batches are split for a topic that takes less than we send', async (t) => {
    const topic = await temporaryTopic(t, 1, { 'max.message.bytes': '2000' })
    const producer = openProducer(config, { clientId: 'test', compression: 'none' })
    const sent = texts(0, 3_000)
    await Promise.all([
      producer.send(topic, 0, sent.slice(0, 1_700)),
      producer.send(topic, 0, sent.slice(1_700)),
    ])
    await producer.close()
    const { records } = await readBack(topic)
    assert.deepEqual(
      values(records),
      sent.map(({ value }) => String(value)),
    )
  })

  test('one record that is too large is refused alone, with its size and the limit; the producer goes on', async (t) => {
    const topic = await temporaryTopic(t, 1, { 'max.message.bytes': '2000' })
    const producer = openProducer(config, { clientId: 'test', compression: 'none' })
    const before = producer.send(topic, 0, texts(0, 10))
    const large = producer.send(topic, 0, [{ key: null, value: Buffer.alloc(5_000) }])
    const after = producer.send(topic, 0, texts(10, 10))
    const [first, refused, last] = await Promise.allSettled([before, large, after])
    assert(refused.status === 'rejected' && refused.reason instanceof RecordTooLargeError)
    assert.match(refused.reason.message, /5000 bytes.*max\.message\.bytes=2000/)
    assert(first.status === 'fulfilled' && first.value.baseOffset === 0n)
    assert(last.status === 'fulfilled' && last.value.baseOffset === 10n)
    await producer.close()
    assert.deepEqual(values((await readBack(topic)).records), values20())
  })

  test('a topic or partition that does not exist is refused; the producer goes on', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const producer = openProducer(config, { clientId: 'test' })
    t.after(() => producer.close())
    await Promise.all([
      assert.rejects(producer.send(`${topic}_absent`, 0, texts(0, 1)), ConfigError),
      assert.rejects(producer.send(topic, 7, texts(0, 1)), RecordsRejectedError),
      producer.send(topic, 0, texts(0, 1)),
    ])
    assert.equal((await producer.send(topic, 0, texts(1, 1))).baseOffset, 1n)
  })

  test('connections cut in the middle of produce: nothing lost, nothing doubled, order kept', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const { proxied, proxy } = await throughProxy(t)
    const producer = openProducer(proxied, { clientId: 'test' })
    let answers = 0
    let cuts = 0
    // Every fifth piece that the broker sends gets lost with its connection: often an acknowledgement.
    proxy.onResponse = () => {
      if (++answers % 5 !== 0 || cuts >= 15) return true
      cuts++
      proxy.cut()
      return false
    }
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 60; i++) {
      sent.push(producer.send(topic, 0, texts(i * 50, 50)))
      if (i % 3 === 0) await sent.at(-1)
    }
    await Promise.all(sent)
    await producer.close()
    assert(cuts >= 5, `${cuts} cuts`)
    const { records } = await readBack(topic)
    assert.deepEqual(
      values(records),
      texts(0, 3_000).map(({ value }) => String(value)),
    )
  })

  test('connections cut in mid-response while reading: every record once', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const producer = openProducer(config, { clientId: 'test', compression: 'none' })
    await producer.send(topic, 0, texts(0, 20_000))
    await producer.close()
    const { proxied, proxy } = await throughProxy(t)
    let seen = 0
    let cuts = 0
    proxy.onResponse = (bytes) => {
      seen += bytes.length
      if (seen < 60_000 || cuts >= 5) return true
      seen = 0
      cuts++
      proxy.cut()
      return false
    }
    const reader = new LogReader(proxied, { maxPartitionBytes: 40_000 })
    t.after(() => reader.close())
    const read: string[] = []
    for await (const { records } of reader.read({ topic, partition: 0 }, 0n, await endOffset(topic))) {
      read.push(...values(records))
    }
    assert.equal(cuts, 5)
    assert.deepEqual(
      read,
      texts(0, 20_000).map(({ value }) => String(value)),
    )
  })
})

function values20(): string[] {
  return texts(0, 20).map(({ value }) => String(value))
}
