import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { openProducer } from '../../../src/kafka/open.ts'
import { fetchRequest } from '../../../src/kafka/protocol/fetch.ts'
import { metadataRequest } from '../../../src/kafka/protocol/metadata.ts'
import { config, TransactionalWriter, temporaryTopic, texts } from './fixture.ts'

function openCluster(t: TestContext): Cluster {
  const cluster = new Cluster(config)
  t.after(() => cluster.close())
  return cluster
}

suite('message versions for older brokers', () => {
  test('metadata v8 says what v10 says, but for the topic id', async (t) => {
    const topic = await temporaryTopic(t, 3)
    const link = await openCluster(t).any()
    const current = await link.send(() => metadataRequest([topic], 10))
    const older = await link.send(() => metadataRequest([topic], 9))
    assert.match(current.topics[0]?.topicId ?? '', /^[\w-]{22}$/)
    assert.deepEqual(older, {
      ...current,
      topics: current.topics.map((found) => ({ ...found, topicId: '' })),
    })
    const all = await link.send(() => metadataRequest(null, 9))
    assert(all.topics.some(({ name }) => name === topic))
  })

  test('fetch v11 gives the bytes and aborted transactions that v13 gives', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const producer = openProducer(config, { clientId: 'test' })
    await producer.send(topic, 0, texts(0, 10))
    await producer.send(topic, 1, texts(10, 10))
    await producer.close()
    const writer = new TransactionalWriter(t, topic)
    await writer.send('a', [{ value: 'aborted' }])
    await writer.end('a', 'abort')
    await writer.settledEnd(10n)
    const cluster = openCluster(t)
    await cluster.refresh([topic])
    const { topicId = '' } = cluster.topic(topic) ?? {}
    const positions = [0, 1].map((partition) => ({ topic, topicId, partition, offset: 0n }))
    const limits = { maxWait: 0, maxBytes: 1 << 20, maxPartitionBytes: 1 << 20 }
    const link = cluster.node(cluster.leader({ topic, partition: 0 }) ?? -1, 'fetch')
    const current = await link.send(() => fetchRequest(positions, limits, 13))
    const older = await link.send(() => fetchRequest(positions, limits, 12))
    assert.deepEqual(older, current)
    assert.equal(current.partitions[0]?.aborted.length, 1)
    assert.equal(current.partitions.length, 2)
  })
})
