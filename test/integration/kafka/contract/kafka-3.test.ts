import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FencedError } from '../../../../src/errors.ts'
import { openAdmin, openTransactionalProducer, openTransactions } from '../../../../src/kafka/open.ts'
import { OwnCluster } from '../brokers/own-cluster.ts'
import { olderReleases } from '../brokers/releases.ts'
import { texts, values } from '../fixture.ts'
import { delivery } from './delivery.ts'
import { madeAnew, outOfRange } from './log-changes.ts'
import { rebalances } from './rebalances.ts'
import { batchSizes, codecCases, damage } from './record-batches.ts'
import { groupReader, logReader } from './subject.ts'
import { contractSuite } from './suite.ts'
import { type Cases, TestBed } from './test-bed.ts'
import { abortCases, openTransaction, randomTransactions } from './transactions.ts'

/** Fetch by topic id came with Kafka 3.1 (KIP-516). */
const hasTopicIds = (release: string) => release !== '3.0.2'

const pick = (cases: Cases, ...names: string[]): Cases =>
  Object.fromEntries(
    names.map((name) => {
      const run = cases[name]
      assert(run, `no case ${name}`)
      return [name, run]
    }),
  )

for (const release of olderReleases) {
  suite(`Kafka ${release}`, () => {
    let cluster: OwnCluster
    let stop: () => unknown = () => {}
    before(async () => {
      cluster = await OwnCluster.start({ after: (clean) => (stop = clean) }, { release })
    })
    after(() => stop())
    const config = () => cluster.config

    contractSuite(logReader, config, { ...abortCases, ...randomTransactions, ...outOfRange })
    contractSuite(groupReader, config, {
      ...abortCases,
      ...codecCases,
      ...batchSizes,
      ...damage,
      ...(hasTopicIds(release) ? madeAnew : {}),
      ...delivery,
      ...openTransaction,
      ...pick(
        rebalances,
        'members that join and leave share the partitions; every record is read once',
        'partitions added to a topic are shared out and read',
      ),
    })

    test('producer: a committed transaction is read with its place, an open one is aborted by the next taker', async (t) => {
      const bed = new TestBed(t, config(), logReader)
      const topic = await bed.topic()
      const options = { clientId: 'test', deliveryTimeout: 60_000 }
      const transactions = openTransactions(config(), options)
      t.after(() => transactions.close())
      const producer = openTransactionalProducer(config(), options)
      t.after(() => producer.close())
      const first = await transactions.take(topic, topic)
      producer.use(first.identity)
      const place = { offset: 5n, metadata: 'after 5' }
      await first.include([0])
      await producer.send(topic, 0, texts(0, 5))
      await first.store(place)
      await first.commit()
      await first.include([0])
      await producer.send(topic, 0, texts(5, 5))
      const second = await transactions.take(topic, topic)
      assert.deepEqual(second.stored, place)
      await assert.rejects(producer.send(topic, 0, texts(10, 5)), FencedError)
      while ((await bed.endOffset(topic)) < 12n) await delay(20) // both markers
      const committed = texts(0, 5).map(({ value }) => String(value))
      assert.deepEqual(values(await bed.read(topic)), committed)
    })

    test('admin: topics made, looked at, widened, set and deleted', async (t) => {
      const topic = await new TestBed(t, config(), logReader).topic(2, { 'cleanup.policy': 'compact' })
      const admin = openAdmin(config())
      t.after(() => admin.close())
      assert.match((await admin.topic(topic))?.topicId ?? '', /^[A-Za-z0-9_-]{22}$/)
      await admin.alterTopicConfig(topic, new Map([['retention.ms', '12345']]))
      assert.equal((await admin.topicConfig(topic)).get('retention.ms'), '12345')
      assert.equal((await admin.topicConfig(topic)).get('cleanup.policy'), 'compact')
      await admin.createPartitions(topic, 3)
      assert.equal((await admin.endOffsets(topic)).size, 3)
      await admin.deleteTopic(topic)
      assert.equal(await admin.topic(topic), undefined)
    })
  })
}
