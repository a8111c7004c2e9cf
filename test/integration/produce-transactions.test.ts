import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, type TestContext, test } from 'node:test'
import { FencedError, UnreachableError } from '../../src/errors.ts'
import { ProducerLostError } from '../../src/kafka/errors.ts'
import { openProducer, openTransactionalProducer, openTransactions } from '../../src/kafka/open.ts'
import type { TransactionalId, Transactions } from '../../src/kafka/transactions.ts'
import { type BrokerProxy, onAnswer, throughProxy } from './kafka/broker-proxy.ts'
import { config, endOffset, readBack, temporaryTopic, texts, values } from './kafka/fixture.ts'

const clientId = 'produce-transactions-test'
const ApiKey = { produce: 0, endTxn: 26, txnOffsetCommit: 28 } as const
const newId = () => `etl_test_${randomBytes(6).toString('hex')}`
const place = (n: number) => ({ offset: BigInt(n), metadata: `after ${n}` })

function transactionsOf(t: TestContext, brokers = config, deliveryTimeout = 60_000): Transactions {
  const transactions = openTransactions(brokers, { clientId, deliveryTimeout })
  t.after(() => transactions.close())
  return transactions
}

/** A producer that sends as `owned`, from another connection than the one that commits. */
function producerOf(t: TestContext, owned: TransactionalId, brokers = config) {
  const producer = openTransactionalProducer(brokers, { clientId, deliveryTimeout: 60_000 })
  t.after(() => producer.close())
  producer.use(owned.identity)
  return producer
}

/** Values that a read_committed reader sees in partition 0. */
async function committed(topic: string): Promise<string[]> {
  return values((await readBack(topic)).records)
}

const upTo = (n: number) => texts(0, n).map(({ value }) => String(value))

/** Replaces the error codes of the first answers about topic and partition 0; the broker has done what was asked. */
function forgeProduceCodes(proxy: BrokerProxy, topic: string, codes: readonly number[]): void {
  const left = [...codes]
  onAnswer(proxy, ApiKey.produce, (answer) => {
    const code = left.shift()
    if (code === undefined) return
    // size, correlation id, topics, name, partitions, partition; Produce v7
    const at = 4 + 4 + 4 + 2 + topic.length + 4 + 4
    answer.writeInt16BE(code, at)
    answer.writeBigInt64BE(-1n, at + 2)
  })
}

/** Loses the first answers to requests of a kind, and their connections with them. */
function loseAnswers(proxy: BrokerProxy, apiKey: number, times: number): () => number {
  let lost = 0
  onAnswer(proxy, apiKey, (_answer, connection) => {
    if (lost >= times) return
    lost++
    connection.reset()
    return false
  })
  return () => lost
}

suite('transactions of a producer', () => {
  test('records and place appear together at the commit, and with nothing in between', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const id = newId()
    const transactions = transactionsOf(t)
    const owned = await transactions.take(id, topic)
    assert.equal(owned.stored, undefined)
    const producer = producerOf(t, owned)
    for (let round = 0; round < 4; round++) {
      await owned.include([0, 1])
      await owned.include([1, 0])
      await Promise.all([
        producer.send(topic, 0, texts(round * 10, 10)),
        producer.send(topic, 1, texts(round * 10, 3)),
        owned.store(place(round + 1)),
      ])
      assert.deepEqual(await committed(topic), upTo(round * 10))
      await owned.commit()
    }
    assert.deepEqual((await transactions.take(id, topic)).stored, place(4))
    assert.deepEqual(await committed(topic), upTo(40))
    assert.equal((await readBack(topic, { partition: 1 })).records.length, 12)
  })

  test('who takes an id over aborts what is open, reads the place before it, and shuts the other out', async (t) => {
    const topic = await temporaryTopic(t)
    const id = newId()
    const first = await transactionsOf(t).take(id, topic)
    const producer = producerOf(t, first)
    await first.include([0])
    await producer.send(topic, 0, texts(0, 5))
    await first.store(place(5))
    await first.commit()
    await first.include([0])
    await producer.send(topic, 0, texts(100, 5))
    await first.store(place(105))

    const second = await transactionsOf(t).take(id, topic)
    assert.deepEqual(second.stored, place(5))
    await assert.rejects(producer.send(topic, 0, texts(105, 5)), FencedError)
    await assert.rejects(producer.send(topic, 0, texts(110, 5)), FencedError)
    await assert.rejects(first.commit(), FencedError)
    await assert.rejects(first.store(place(110)), FencedError)

    await second.include([0])
    await producerOf(t, second).send(topic, 0, texts(5, 5))
    await second.store(place(10))
    await second.commit()
    assert.deepEqual(await committed(topic), upTo(10))
    await first.abandon()
    assert.deepEqual(await committed(topic), upTo(10))
    assert.deepEqual((await transactionsOf(t).take(id, topic)).stored, place(10))
  })

  test('an abandoned transaction holds no reader back', async (t) => {
    const topic = await temporaryTopic(t)
    const owned = await transactionsOf(t).take(newId(), topic)
    const producer = producerOf(t, owned)
    await owned.include([0])
    await producer.send(topic, 0, texts(100, 5))
    const plain = openProducer(config, { clientId })
    t.after(() => plain.close())
    await plain.send(topic, 0, texts(0, 3))
    assert.deepEqual(await committed(topic), [])
    await owned.abandon()
    // The marker is written after the coordinator has answered.
    while ((await endOffset(topic)) < 9n) await new Promise(setImmediate)
    assert.deepEqual(await committed(topic), upTo(3))
    await assert.rejects(producer.send(topic, 0, texts(105, 1)), FencedError)
  })

  for (const [name, apiKey] of [
    ['commit', ApiKey.endTxn],
    ['stored place', ApiKey.txnOffsetCommit],
  ] as const) {
    test(`the answer about a ${name} is lost, more than once: it counts once`, async (t) => {
      const topic = await temporaryTopic(t)
      const id = newId()
      const { proxied, proxy } = await throughProxy(t)
      const owned = await transactionsOf(t, proxied).take(id, topic)
      const producer = producerOf(t, owned, proxied)
      const lost = loseAnswers(proxy, apiKey, 3)
      for (const round of [0, 1, 2]) {
        await owned.include([0])
        await producer.send(topic, 0, texts(round * 5, 5))
        await owned.store(place(round))
        await owned.commit()
      }
      assert.equal(lost(), 3)
      assert.deepEqual((await transactionsOf(t).take(id, topic)).stored, place(2))
      assert.deepEqual(await committed(topic), upTo(15))
    })
  }

  test('a place that is too long is refused with the setting, and nothing is committed', async (t) => {
    const topic = await temporaryTopic(t)
    const owned = await transactionsOf(t).take(newId(), topic)
    await assert.rejects(owned.store({ offset: 1n, metadata: 'x'.repeat(5000) }), /text beside an offset/)
    await owned.abandon()
  })

  test('a delivery time-out that no broker allows is refused with the setting', async (t) => {
    const topic = await temporaryTopic(t)
    const taking = transactionsOf(t, config, 24 * 3_600_000).take(newId(), topic)
    await assert.rejects(taking, /longer than the brokers let a transaction last/)
  })
})

suite('failures of a producer', () => {
  const fatal = [
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 45, ProducerLostError],
    ['UNKNOWN_PRODUCER_ID', 59, ProducerLostError],
    ['INVALID_PRODUCER_EPOCH', 47, FencedError],
    ['PRODUCER_FENCED', 90, FencedError],
  ] as const
  for (const [name, code, error] of fatal) {
    test(`${name} ends it: nothing is sent again, every call says so`, async (t) => {
      const topic = await temporaryTopic(t)
      const { proxied, proxy } = await throughProxy(t)
      forgeProduceCodes(proxy, topic, [code])
      const producer = openProducer(proxied, { clientId })
      t.after(() => producer.close())
      const first = producer.send(topic, 0, texts(0, 10))
      await assert.rejects(first, error)
      await assert.rejects(first, (failure: Error) => failure.message.includes(name))
      await assert.rejects(producer.send(topic, 0, texts(10, 10)), error)
      assert.equal((await readBack(topic)).records.length, 10)
    })
  }

  for (const [name, code] of [
    ['NOT_LEADER_OR_FOLLOWER', 6],
    ['REQUEST_TIMED_OUT', 7],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 20],
  ] as const) {
    test(`${name} of records that were appended: sent again, stored once`, async (t) => {
      const topic = await temporaryTopic(t)
      const { proxied, proxy } = await throughProxy(t)
      forgeProduceCodes(proxy, topic, [code, code, code, code])
      const producer = openProducer(proxied, { clientId })
      t.after(() => producer.close())
      await Promise.all([producer.send(topic, 0, texts(0, 10)), producer.send(topic, 0, texts(10, 5))])
      const { lastOffset } = await producer.send(topic, 0, texts(15, 5))
      assert.equal(lastOffset, 19n)
      assert.deepEqual(await committed(topic), upTo(20))
    })
  }

  test('refused after an answer that left it open: nothing follows, for its sequence numbers may be used', async (t) => {
    const topic = await temporaryTopic(t)
    const { proxied, proxy } = await throughProxy(t)
    const [requestTimedOut, topicAuthorizationFailed] = [7, 29]
    forgeProduceCodes(proxy, topic, [requestTimedOut, topicAuthorizationFailed])
    const producer = openProducer(proxied, { clientId })
    t.after(() => producer.close())
    await assert.rejects(producer.send(topic, 0, texts(0, 10)), ProducerLostError)
    // Under the numbers of the first ten the broker would take these for a repetition, and say that they are stored.
    await assert.rejects(producer.send(topic, 0, texts(10, 10)), ProducerLostError)
    assert.deepEqual(await committed(topic), upTo(10))
  })

  test('no answer within the delivery time-out: it fails with the partition and the time', async (t) => {
    const topic = await temporaryTopic(t)
    const { proxied, proxy } = await throughProxy(t)
    loseAnswers(proxy, ApiKey.produce, Number.POSITIVE_INFINITY)
    const producer = openProducer(proxied, { clientId, deliveryTimeout: 500 })
    t.after(() => producer.close())
    const sending = producer.send(topic, 0, texts(0, 1))
    await assert.rejects(sending, UnreachableError)
    await assert.rejects(sending, new RegExp(`${topic}-0 were not acknowledged within 0.5 s`))
    await assert.rejects(producer.send(topic, 0, texts(1, 1)), UnreachableError)
  })

  test('first and last offset of a send are right, though other producers append in its midst', async (t) => {
    const topic = await temporaryTopic(t)
    const producers = Array.from({ length: 3 }, () => openProducer(config, { clientId, batchBytes: 500 }))
    t.after(() => Promise.all(producers.map((producer) => producer.close())))
    const results = await Promise.all(
      producers.map(async (producer, i) => ({
        i,
        ...(await producer.send(topic, 0, texts(i * 1_000, 300))),
      })),
    )
    const all = values((await readBack(topic)).records)
    for (const { i, baseOffset, lastOffset } of results) {
      assert.equal(all[Number(baseOffset)], `v${i * 1_000}`)
      assert.equal(all[Number(lastOffset)], `v${i * 1_000 + 299}`)
    }
    assert.ok(
      results.some(({ baseOffset, lastOffset }) => lastOffset - baseOffset > 299n),
      'none stood between',
    )
  })
})
