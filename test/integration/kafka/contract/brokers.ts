import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'
import { openProducer } from '../../../../src/kafka/open.ts'
import type { OwnCluster } from '../brokers/own-cluster.ts'
import { texts, values } from '../fixture.ts'
import type { Cases, TestBed } from './test-bed.ts'

const batches = 200
const perBatch = 50

async function fill(bed: TestBed, topic: string): Promise<void> {
  const producer = openProducer(bed.cluster, { clientId: 'test', compression: 'none' })
  for (let i = 0; i < batches; i++) await producer.send(topic, 0, texts(i * perBatch, perBatch))
  await producer.close()
}

async function leaderOf(bed: TestBed, topic: string): Promise<number | undefined> {
  const admin = new Kafka({ brokers: [...bed.cluster.brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions[0]?.leader
  } finally {
    await admin.disconnect()
  }
}

/**
 * Reads all of `fill`, one batch a fetch: every record, once, in order. After a tenth of them `kill` is awaited, so that the rest is still to
 * be fetched; `recover` goes on beside the reading.
 */
async function readsThrough(
  bed: TestBed,
  topic: string,
  kill: () => Promise<void>,
  recover: () => Promise<void>,
): Promise<void> {
  const read: string[] = []
  let recovered: Promise<void> | undefined
  for await (const { records } of bed.batches(topic, { maxPartitionBytes: 1 })) {
    read.push(...values(records))
    if (recovered || read.length < (batches * perBatch) / 10) continue
    await kill()
    recovered = recover()
  }
  await recovered
  assert.deepEqual(
    read,
    texts(0, batches * perBatch).map(({ value }) => String(value)),
  )
}

/** What happens to the brokers themselves; on clusters of the test's own. */
export const brokerRestart = (cluster: () => OwnCluster): Cases => ({
  'the only broker is killed in mid-fetch and started again': async (bed) => {
    const topic = await bed.topic()
    await fill(bed, topic)
    await readsThrough(
      bed,
      topic,
      () => cluster().killNode(1),
      () => cluster().startNode(1),
    )
  },
})

export const leaderChange = (cluster: () => OwnCluster): Cases => ({
  'the leader is killed in mid-fetch, and another one is elected': async (bed) => {
    let topic = await bed.topic(1)
    while ((await leaderOf(bed, topic)) !== 2) topic = await bed.topic(1)
    await fill(bed, topic)
    await readsThrough(
      bed,
      topic,
      () => cluster().killNode(2),
      async () => {},
    )
    await cluster().startNode(2)
    assert.equal(await leaderOf(bed, topic), 1)
  },
})
