import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError, UnreachableError } from '../../../src/errors.ts'
import { OffsetOutOfRangeError } from '../../../src/kafka/errors.ts'
import { openAdmin, openPartitionReader, openProducer } from '../../../src/kafka/open.ts'
import type { Compression } from '../../../src/kafka/producer.ts'
import { config, endOffset, readBack, temporaryTopic, texts, values } from './fixture.ts'
import { consoleConsumer, kafkaTool } from './java-tool.ts'

suite('log', () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as Compression[]) {
    test(`${compression}: what we write, we and Java's consumer read`, async (t) => {
      const topic = await temporaryTopic(t)
      const producer = openProducer(config, { clientId: 'test', compression })
      const sent = texts(0, 3_000)
      await producer.send(topic, 0, sent)
      await producer.close()
      const { records, nextOffset } = await readBack(topic)
      assert.equal(nextOffset, 3_000n)
      assert.deepEqual(
        values(records),
        sent.map(({ value }) => String(value)),
      )
      const java = await consoleConsumer(config.brokers, topic, sent.length)
      assert.deepEqual(
        java,
        sent.map(({ value }) => String(value)),
      )
    })
  }

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`${compression}: what Java's producer writes, we read`, async (t) => {
      const topic = await temporaryTopic(t)
      await kafkaTool('org.apache.kafka.tools.ProducerPerformance', [
        ...['--topic', topic, '--num-records', '5000', '--record-size', '700', '--throughput', '-1'],
        ...['--producer-props', `bootstrap.servers=${config.brokers}`, `compression.type=${compression}`],
        ...['linger.ms=20', 'batch.size=100000'],
      ])
      const { records } = await readBack(topic)
      assert.equal(records.length, 5_000)
      for (const { value } of records) assert.match(String(value), /^[A-Z]{700}$/)
    })
  }

  test('headers, null keys and values, and timestamps survive', async (t) => {
    const topic = await temporaryTopic(t)
    const producer = openProducer(config, { clientId: 'test' })
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
    await producer.send(topic, 0, [record, { key: Buffer.alloc(0), value: Buffer.alloc(0) }])
    await producer.close()
    const { records } = await readBack(topic)
    const [first, second] = records
    assert.deepEqual([first?.key, first?.value, first?.timestamp], [null, null, 1_700_000_000_123n])
    assert.deepEqual(first?.headers, record.headers)
    assert.deepEqual([second?.key, second?.value], [Buffer.alloc(0), Buffer.alloc(0)])
  })

  test('a batch of 200,000 records is read in pieces, from its middle, too, and counted', async (t) => {
    const topic = await temporaryTopic(t, 1, { 'max.message.bytes': '20000000' })
    // One batch: what Java's producer makes when batch.size allows it.
    await kafkaTool('org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', topic, '--num-records', '200000', '--record-size', '10', '--throughput', '-1'],
      ...['--producer-props', `bootstrap.servers=${config.brokers}`, 'compression.type=lz4'],
      ...['linger.ms=10000', 'batch.size=16000000', 'max.request.size=20000000'],
    ])
    const reader = openPartitionReader(config)
    const tp = { topic, partition: 0 }
    const sizes: number[] = []
    for await (const { records } of reader.read(tp, 0n, 200_000n)) sizes.push(records.length)
    assert(
      sizes.every((size) => size <= 50_000),
      `${sizes}`,
    )
    assert.equal(
      sizes.reduce((a, b) => a + b, 0),
      200_000,
    )
    const { records } = await readBack(topic, { from: 123_456n })
    assert.equal(records[0]?.offset, 123_456n)
    assert.equal(records.length, 200_000 - 123_456)
    assert.deepEqual(await reader.count(tp, 5n, 199_990n), { records: 199_985n, markers: 0n, aborted: 0n })
    await reader.close()
  })

  test('a record of 10 MB goes through fetches that are smaller', async (t) => {
    const topic = await temporaryTopic(t, 1, { 'max.message.bytes': '12000000' })
    const producer = openProducer(config, { clientId: 'test', compression: 'none' })
    const large = Buffer.alloc(10_000_000, 'x')
    await producer.send(topic, 0, [...texts(0, 2), { key: null, value: large }, ...texts(2, 2)])
    await producer.close()
    const { records } = await readBack(topic, { maxPartitionBytes: 1_000 })
    assert.equal(records.length, 5)
    assert(records[2]?.value?.equals(large))
  })

  test('reading ends at `to`, or where the log ends', async (t) => {
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

  test('an offset outside of the log is an error that says what the log holds', async (t) => {
    const topic = await temporaryTopic(t)
    const producer = openProducer(config, { clientId: 'test' })
    await producer.send(topic, 0, texts(0, 10))
    await producer.close()
    await kafkaTool('org.apache.kafka.tools.DeleteRecordsCommand', [
      ...['--bootstrap-server', config.brokers.join(',')],
      ...['--offset-json-file', await deletionFile(t, topic, 4)],
    ])
    await assert.rejects(readBack(topic, { from: 2n }), (error) => {
      assert(error instanceof OffsetOutOfRangeError)
      assert.deepEqual([error.requested, error.logStart, error.logEnd], [2n, 4n, 10n])
      return true
    })
    await assert.rejects(readBack(topic, { from: 11n, to: 20n }), OffsetOutOfRangeError)
  })

  test('batches that compaction thinned out and emptied are passed over without a gap', async (t) => {
    const topic = await temporaryTopic(t, 1, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '100',
      'segment.bytes': '1048576',
      'min.compaction.lag.ms': '0',
      'max.compaction.lag.ms': '1',
    })
    // Each producer's last batch stays in the log even when it is empty, because it holds the sequence.
    for (const round of [1, 2, 3]) {
      const producer = openProducer(config, { clientId: 'test' })
      const keyed = ['a', 'b', 'c'].map((key) => ({
        key: Buffer.from(key),
        value: Buffer.from(`${key}${round}`),
      }))
      await producer.send(topic, 0, round === 2 ? keyed.slice(1) : keyed)
      await producer.close()
      await new Promise((resolve) => setTimeout(resolve, 150)) // a segment of its own
    }
    const roll = openProducer(config, { clientId: 'test' })
    t.after(() => roll.close())
    const wanted = ['a3', 'b3', 'c3']
    for (;;) {
      await roll.send(topic, 0, [{ key: Buffer.from('roll'), value: Buffer.from('roll') }])
      const { records, nextOffset } = await readBack(topic)
      assert.equal(nextOffset, await endOffset(topic))
      const found = values(records).filter((value) => value !== 'roll')
      assert.deepEqual(found.slice(-3), wanted)
      if (found.length === wanted.length) break
      await new Promise((resolve) => setTimeout(resolve, 500)) // the cleaner's next round
    }
    for (let from = 0n; from < 8n; from++) {
      const { records } = await readBack(topic, { from })
      assert.deepEqual(
        values(records).filter((value) => value !== 'roll'),
        wanted.slice(Math.max(0, Number(from) - 5)),
      )
    }
  })
})

async function deletionFile(
  t: import('node:test').TestContext,
  topic: string,
  offset: number,
): Promise<string> {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const folder = await mkdtemp(join(tmpdir(), 'etl-kafka-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'delete.json')
  await writeFile(file, JSON.stringify({ partitions: [{ topic, partition: 0, offset }], version: 1 }))
  return file
}

suite('admin', () => {
  const nowhere = { brokers: ['127.0.0.1:1'], clientId: 'test' }

  test('topics: looked at, made, widened, set, deleted', async (t) => {
    const topic = await temporaryTopic(t, 3, { 'cleanup.policy': 'compact' })
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const info = await admin.topic(topic)
    assert.equal(info?.partitions, 3)
    assert.equal(info?.replicationFactor, 1)
    assert.match(info?.topicId ?? '', /^[A-Za-z0-9_-]{22}$/)
    assert.equal((await admin.topicConfig(topic)).get('cleanup.policy'), 'compact')
    await admin.alterTopicConfig(topic, new Map([['retention.ms', '12345']]))
    const changed = await admin.topicConfig(topic)
    assert.equal(changed.get('retention.ms'), '12345')
    assert.equal(changed.get('cleanup.policy'), 'compact')
    await admin.createPartitions(topic, 5)
    assert.equal((await admin.topic(topic))?.partitions, 5)
    assert.equal((await admin.endOffsets(topic)).size, 5)
    assert.equal((await admin.groupOffsets('no-such-group', topic)).size, 0)
    await admin.deleteTopic(topic)
    assert.equal(await admin.topic(topic), undefined)
  })

  test('a topic has another id after it was made anew', async (t) => {
    const topic = await temporaryTopic(t)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const before = (await admin.topic(topic))?.topicId
    await admin.deleteTopic(topic)
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor: -1, config: new Map() })
    assert.notEqual((await admin.topic(topic))?.topicId, before)
  })

  test('what the cluster refuses is a configuration error that says why', async (t) => {
    const topic = await temporaryTopic(t)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const spec = { name: topic, partitions: 1, replicationFactor: -1, config: new Map<string, string>() }
    const refused: [() => Promise<unknown>, RegExp][] = [
      [() => admin.createTopic(spec), /exists/],
      [() => admin.createTopic({ ...spec, name: 'not/a/name' }), /name is not valid/],
      [() => admin.createTopic({ ...spec, name: `${topic}x`, replicationFactor: 9 }), /replication factor/],
      [() => admin.createPartitions(topic, 1), /only grow/],
      [() => admin.alterTopicConfig(topic, new Map([['no.such', '1']])), /no\.such/],
      [() => admin.endOffsets(`${topic}-absent`), /does not exist/],
      [() => admin.deleteTopic(`${topic}-absent`), /does not exist/],
    ]
    for (const [call, message] of refused) {
      await assert.rejects(call, (error) => {
        assert(error instanceof ConfigError, String(error))
        assert.match(error.message, message)
        return true
      })
    }
  })

  test('no broker at the address: unreachable, with the address and what to do', async (t) => {
    const admin = openAdmin(nowhere)
    t.after(() => admin.close())
    await assert.rejects(admin.clusterId(), (error) => {
      assert(error instanceof UnreachableError)
      assert.match(error.message, /127\.0\.0\.1:1/)
      assert.match(error.next ?? '', /etl stack up/)
      return true
    })
  })
})
