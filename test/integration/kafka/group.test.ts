import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { ConfigError } from '../../../src/errors.ts'
import { OffsetOutOfRangeError, TopicChangedError } from '../../../src/kafka/errors.ts'
import { openAdmin, openReader } from '../../../src/kafka/open.ts'
import { tpName } from '../../../src/kafka/types.ts'
import { config, temporaryTopic, texts } from './fixture.ts'
import { fill, Member, Positions } from './member.ts'

suite('group reader', () => {
  test('starts where onAssign says, leaves out what it leaves out, and goes on as records come', async (t) => {
    const topic = await temporaryTopic(t, 3)
    await fill(topic, 3, 100)
    const reader = openReader(config, { group: topic, topics: [topic], clientId: 'test' })
    t.after(() => reader.close())
    reader.onAssign(async (tps) => new Map(tps.filter((tp) => tp.partition < 2).map((tp) => [tp, 90n])))
    const read: string[] = []
    let more = false
    for await (const { partition, firstOffset, records, highWatermark } of reader.batches()) {
      assert.notEqual(partition, 2)
      assert(firstOffset >= 90n)
      assert(highWatermark >= 100n)
      read.push(...records.map(({ value }) => String(value)))
      if (read.length === 20 && !more) {
        more = true
        await fill(topic, 1, 5, 1_000)
      }
      if (read.length === 25) break
    }
    assert.deepEqual(read.sort(), [...numbered(90, 10), ...numbered(190, 10), ...numbered(1_000, 5)].sort())
  })

  test('members that join and leave share the partitions; every record is read once', async (t) => {
    const topic = await temporaryTopic(t, 4)
    const sent = await fill(topic, 4, 500)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], maxPartitionBytes: 1_000 }
    const first = new Member(t, positions, options)
    await first.until(() => first.assigned.size === 4)
    const second = new Member(t, positions, options)
    await second.until(() => second.assigned.size === 2)
    await first.until(() => first.assigned.size === 2)
    assert.equal(new Set([...first.assigned, ...second.assigned]).size, 4)
    await first.reader.close()
    await second.until(() => second.assigned.size === 4)
    const later = await fill(topic, 4, 100, 10_000)
    await second.until(() => second.values.length + first.values.length === sent.length + later.length)
    assert.deepEqual([...first.values, ...second.values].sort(), [...sent, ...later].sort())
  })

  test('nothing is delivered while partitions are revoked', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const sent = await fill(topic, 2, 20_000)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], maxPartitionBytes: 1_000 }
    const first = new Member(t, positions, options)
    first.onBatch = async () => {
      await delay(5) // there is always something fetched that waits
    }
    let revoked = 0
    first.onRevoke = async () => {
      const before = first.values.length
      await delay(500)
      assert(first.values.length - before <= 100, 'no more than what was being worked on')
      revoked++
    }
    await first.until(() => first.values.length > 0)
    const second = new Member(t, positions, options)
    await second.until(() => second.assigned.size === 1)
    assert.equal(revoked, 1)
    first.onBatch = async () => {}
    await second.until(() => first.values.length + second.values.length === sent.length)
    assert.deepEqual([...first.values, ...second.values].sort(), sent)
  })

  test('ten rebalances in a row lose and repeat nothing', async (t) => {
    const topic = await temporaryTopic(t, 6)
    const sent = await fill(topic, 6, 2_000)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], maxPartitionBytes: 2_000 }
    const steady = new Member(t, positions, options)
    const members = [steady]
    for (let round = 0; round < 5; round++) {
      const guest = new Member(t, positions, options)
      members.push(guest)
      await guest.until(() => guest.assigned.size === 3)
      await guest.reader.close()
    }
    const read = () => members.reduce((sum, { values }) => sum + values.length, 0)
    await steady.until(() => read() === sent.length)
    assert.deepEqual(members.flatMap(({ values }) => values).sort(), sent)
  })

  test('heartbeats go on while a batch is worked on for longer than the session timeout', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const sent = await fill(topic, 2, 10)
    const positions = new Positions()
    const member = new Member(t, positions, { group: topic, topics: [topic], sessionTimeout: 6_000 })
    let slept = false
    member.onBatch = async () => {
      if (!slept) await delay(9_000)
      slept = true
    }
    await member.until(() => member.values.length === sent.length)
    assert.equal(member.assignments, 1, 'never thrown out of the group')
    assert.deepEqual(member.values.sort(), sent)
  })

  test('a paused partition is not delivered, and loses nothing', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const sent = await fill(topic, 2, 2_000)
    const positions = new Positions()
    const member = new Member(t, positions, { group: topic, topics: [topic], maxPartitionBytes: 5_000 })
    const paused = { topic, partition: 0 }
    let delivered = 0
    member.onBatch = async ({ partition }) => {
      if (partition === 0 && delivered++ === 0) member.reader.pause([paused])
      else assert(partition === 1 || resumed)
    }
    let resumed = false
    await member.until(() => positions.of({ topic, partition: 1 }) === 2_000n && delivered > 0)
    assert(positions.of(paused) < 2_000n)
    resumed = true
    member.reader.resume([{ ...paused }])
    await member.until(() => member.values.length === sent.length)
    assert.deepEqual(member.values.sort(), sent)
  })

  test('a dropped partition is not delivered any more', async (t) => {
    const topic = await temporaryTopic(t, 2)
    await fill(topic, 2, 2_000)
    const positions = new Positions()
    const member = new Member(t, positions, { group: topic, topics: [topic], maxPartitionBytes: 5_000 })
    let dropped = false
    member.onBatch = async (batch) => {
      if (batch.partition !== 0) return
      assert.equal(dropped, false)
      dropped = true
      member.reader.drop(batch)
    }
    await member.until(() => dropped && positions.of({ topic, partition: 1 }) === 2_000n)
    assert(positions.of({ topic, partition: 0 }) < 2_000n)
  })

  test('an offset out of range stops its partition with an error; the others go on', async (t) => {
    const topic = await temporaryTopic(t, 2)
    await fill(topic, 2, 10)
    const positions = new Positions()
    const member = new Member(t, positions, { group: topic, topics: [topic] }, (tp) =>
      tp.partition === 0 ? 1_000n : 0n,
    )
    await member.until(() => member.errors.length > 0 && member.values.length === 10)
    const [[name, error]] = member.errors as [[string, Error]]
    assert.equal(name, tpName({ topic, partition: 0 }))
    assert(error instanceof OffsetOutOfRangeError)
    assert.deepEqual([error.requested, error.logStart, error.logEnd], [1_000n, 0n, 10n])
  })

  test('offsets are mirrored into the group, and never read back', async (t) => {
    const topic = await temporaryTopic(t, 1)
    await fill(topic, 1, 10)
    const positions = new Positions()
    const member = new Member(t, positions, { group: topic, topics: [topic] })
    assert.equal(await member.reader.mirrorOffsets(new Map([[{ topic, partition: 0 }, 1n]])), false)
    await member.until(() => member.values.length === 10)
    assert.equal(await member.reader.mirrorOffsets(new Map([[{ topic, partition: 0 }, 7n]])), true)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    assert.deepEqual(await admin.groupOffsets(topic, topic), new Map([[0, 7n]]))
    await member.reader.close()
    const next = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await next.until(() => next.values.length === 10)
  })

  test('a topic that does not exist is an error that names etl apply', async (t) => {
    const member = new Member(t, new Positions(), { group: 'no-such', topics: ['no-such-topic'] })
    await assert.rejects(member.running, (error) => {
      assert(error instanceof ConfigError)
      assert.equal(error.next, 'etl apply')
      return true
    })
  })

  test('a topic deleted under the reader is an error', async (t) => {
    const topic = await temporaryTopic(t, 1)
    await fill(topic, 1, 10)
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 10)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    await admin.deleteTopic(topic)
    await member.until(() => member.errors.length > 0)
    assert.match(String(member.errors[0]?.[1].message), /does not exist/)
  })

  test('a topic deleted and made anew under the reader is an error, not other records', async (t) => {
    const topic = await temporaryTopic(t, 1)
    await fill(topic, 1, 10)
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 10)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    await admin.deleteTopic(topic)
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor: -1, config: new Map() })
    await fill(topic, 1, 20, 500)
    await member.until(() => member.errors.length > 0)
    assert.equal(member.values.length, 10)
  })

  test('a topic made anew while nobody looked is an error, too', async (t) => {
    const topic = await temporaryTopic(t, 1)
    await fill(topic, 1, 10)
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 10)
    member.reader.pause([{ topic, partition: 0 }])
    await delay(500) // the last long poll is over
    const admin = openAdmin(config)
    t.after(() => admin.close())
    await admin.deleteTopic(topic)
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor: -1, config: new Map() })
    await fill(topic, 1, 20, 500)
    member.reader.resume([{ topic, partition: 0 }])
    await member.until(() => member.errors.length > 0)
    assert(member.errors[0]?.[1] instanceof TopicChangedError)
    assert.equal(member.values.length, 10)
  })

  test('a group of another program cannot be joined, and says so', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const kafka = new Kafka({ brokers: [...config.brokers], logLevel: logLevel.NOTHING })
    const other = kafka.consumer({ groupId: topic })
    t.after(() => other.disconnect())
    await other.connect()
    await other.subscribe({ topic })
    const joined = new Promise((resolve) => other.on(other.events.GROUP_JOIN, resolve))
    await other.run({ eachMessage: async () => {} })
    await joined
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await assert.rejects(member.running, (error) => {
      assert(error instanceof ConfigError)
      assert.match(error.message, /another program/)
      return true
    })
  })

  test('close ends batches() at any moment: joining, idle in a long poll, in mid-batch, twice', async (t) => {
    const topic = await temporaryTopic(t, 1)
    await fill(topic, 1, 10)
    const moments: ((member: Member) => Promise<unknown>)[] = [
      async () => {},
      () => delay(20),
      (member) => member.until(() => member.assignments > 0),
      (member) => member.until(() => member.values.length === 10),
      (member) => member.until(() => member.values.length === 10).then(() => delay(100)),
    ]
    for (const moment of moments) {
      const member = new Member(t, new Positions(), { group: topic, topics: [topic], maxWait: 20_000 })
      await moment(member)
      const started = performance.now()
      await member.reader.close()
      assert(performance.now() - started < 2_000)
      await member.running
      await member.reader.close()
    }
  })

  test('close while another member holds up the join', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const slow = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await slow.until(() => slow.assignments > 0)
    const revoking = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    slow.reader.onRevoke(async () => {
      revoking.resolve()
      await release.promise
    })
    const joining = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await revoking.promise
    const started = performance.now()
    await joining.reader.close()
    assert(performance.now() - started < 2_000)
    await joining.running
    release.resolve()
    await slow.until(() => slow.assigned.size === 2)
  })
})

function numbered(from: number, count: number): string[] {
  return texts(from, count).map(({ value }) => String(value))
}
