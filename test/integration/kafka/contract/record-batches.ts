import assert from 'node:assert/strict'
import { CorruptBatchError } from '../../../../src/kafka/errors.ts'
import type { Compression } from '../../../../src/kafka/producer.ts'
import { throughProxy } from '../broker-proxy.ts'
import { texts, values } from '../fixture.ts'
import { javaProducer } from '../java-tool.ts'
import type { Cases } from './test-bed.ts'

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const stringsOf = (from: number, count: number) => texts(from, count).map(({ value }) => String(value))

export const codecCases: Cases = Object.fromEntries(
  codecs.flatMap((codec): [string, Cases[string]][] => [
    [
      `${codec}, as we write it`,
      async (bed) => {
        const topic = await bed.topic()
        await bed.produce(topic, texts(0, 3_000), codec)
        assert.deepEqual(values(await bed.read(topic)), stringsOf(0, 3_000))
        assert.deepEqual(values(await bed.read(topic, { from: 1_234n })), stringsOf(1_234, 3_000 - 1_234))
      },
    ],
    [
      `${codec}, as Kafka's own producer writes it`,
      async (bed) => {
        const topic = await bed.topic()
        const settings = { 'compression.type': codec, 'linger.ms': 20, 'batch.size': 100_000 }
        await javaProducer(bed.cluster.brokers, topic, { count: 5_000, size: 700, settings })
        const records = await bed.read(topic)
        assert.equal(records.length, 5_000)
        for (const { value } of records) assert.match(String(value), /^[A-Z]{700}$/)
      },
    ],
  ]),
)

export const batchSizes: Cases = {
  'batches of one record': async (bed) => {
    const topic = await bed.topic()
    for (let i = 0; i < 20; i++) await bed.produce(topic, texts(i, 1))
    assert.deepEqual(values(await bed.read(topic, { maxPartitionBytes: 1 })), stringsOf(0, 20))
    assert.deepEqual(values(await bed.read(topic, { from: 7n })), stringsOf(7, 13))
  },

  'a batch of 200,000 records, from its start and from its middle': async (bed) => {
    const topic = await bed.topic(1, { 'max.message.bytes': '20000000' })
    const settings = {
      'compression.type': 'gzip', // which kafkajs, too, can read
      'linger.ms': 10_000,
      'batch.size': 16_000_000,
      'max.request.size': 20_000_000,
    }
    await javaProducer(bed.cluster.brokers, topic, { count: 200_000, size: 10, settings })
    let next = 0n
    for await (const { records } of bed.batches(topic)) {
      for (const { offset } of records) assert.equal(offset, next++)
    }
    assert.equal(next, 200_000n)
    const rest = await bed.read(topic, { from: 123_456n })
    assert.equal(rest[0]?.offset, 123_456n)
    assert.equal(rest.length, 200_000 - 123_456)
  },

  'a record of 10 MB, by fetches that are smaller': async (bed) => {
    const topic = await bed.topic(1, { 'max.message.bytes': '12000000' })
    const large = Buffer.alloc(10_000_000, 'x')
    await bed.produce(topic, [...texts(0, 2), { key: null, value: large }, ...texts(2, 2)])
    const records = await bed.read(topic, { maxPartitionBytes: 1_000 })
    assert.equal(records.length, 5)
    assert(records[2]?.value?.equals(large))
    assert.deepEqual(values(records.toSpliced(2, 1)), stringsOf(0, 4))
  },

  'headers, null keys and values, and timestamps': async (bed) => {
    const topic = await bed.topic()
    const record = {
      key: null,
      value: null,
      timestamp: 1_700_000_000_123n,
      headers: [
        ['a', Buffer.from([0, 255])],
        ['a', null],
        ['ü', Buffer.alloc(0)],
      ] as const,
    }
    await bed.produce(topic, [record, { key: Buffer.alloc(0), value: Buffer.alloc(0) }])
    const [first, second] = await bed.read(topic)
    assert.deepEqual([first?.key, first?.value, first?.timestamp], [null, null, 1_700_000_000_123n])
    assert.deepEqual(first?.headers, record.headers)
    assert.deepEqual([second?.key, second?.value], [Buffer.alloc(0), Buffer.alloc(0)])
  },
}

/** CRC32-C of each batch; TCP's own sum misses one damaged segment in millions. */
export const damage: Cases = {
  'a batch that is damaged on the way is fetched again': async (bed) => {
    const topic = await bed.topic()
    await bed.produce(topic, texts(0, 100))
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    let damaged = 0
    proxy.onResponse = (bytes) => {
      const at = damaged === 0 ? bytes.indexOf('v42') : -1
      if (at >= 0) damaged = bytes.write('w42', at)
      return true
    }
    assert.deepEqual(values(await bed.read(topic, { cluster: proxied })), stringsOf(0, 100))
    assert(damaged > 0)
  },

  'a batch that is damaged for good is an error, and nothing of it is shown': async (bed) => {
    const topic = await bed.topic()
    await bed.produce(topic, texts(0, 10))
    await bed.produce(topic, texts(10, 10))
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    proxy.onResponse = (bytes) => {
      const at = bytes.indexOf('v15')
      if (at >= 0) bytes.write('w15', at)
      return true
    }
    const shown: string[] = []
    const reading = async () => {
      for await (const { records } of bed.batches(topic, { cluster: proxied })) shown.push(...values(records))
    }
    await assert.rejects(reading, (error) => {
      assert(error instanceof CorruptBatchError, String(error))
      assert.match(error.where ?? '', new RegExp(`^${topic}-0 offset 10`))
      return true
    })
    assert.deepEqual(shown, stringsOf(0, 10))
  },
}
