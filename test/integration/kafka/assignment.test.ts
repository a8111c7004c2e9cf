import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../../../src/errors.ts'
import { openAdmin, openReader } from '../../../src/kafka/open.ts'
import { tpName } from '../../../src/kafka/types.ts'
import { config, temporaryTopic, texts } from './fixture.ts'
import { fill, Member, Positions } from './member.ts'
import { onAnswer, throughProxy } from './tcp-proxy.ts'

/** https://kafka.apache.org/protocol#protocol_api_keys and #protocol_error_codes */
const syncGroup = 14
const heartbeat = 12
const groupAuthorizationFailed = 30

suite('assignment', () => {
  test('close during onAssign aborts its signal and waits for it; nothing is assigned after it', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const reader = openReader(config, { clientId: 'test', group: topic, topics: [topic] })
    const called = Promise.withResolvers<void>()
    let returned = false
    reader.onAssign(async (tps, signal) => {
      called.resolve()
      await delay(10_000, undefined, { signal }).catch(() => undefined)
      await delay(800) // longer than leaving the group takes
      returned = true
      return new Map(tps.map((tp) => [tp, 0n]))
    })
    const read = Array.fromAsync(reader.batches())
    await called.promise
    await reader.close()
    assert.equal(returned, true)
    assert.deepEqual(await read, [])
  })

  test('a rebalance during onAssign aborts its signal, and the member joins again', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const options = { clientId: 'test', group: topic, topics: [topic], sessionTimeout: 6_000 }
    const slow = openReader(config, options)
    const first = Promise.withResolvers<void>()
    const sizes: number[] = []
    slow.onAssign(async (tps, signal) => {
      sizes.push(tps.length)
      first.resolve()
      if (sizes.length === 1) await delay(60_000, undefined, { signal }).catch(() => undefined)
      return new Map(tps.map((tp) => [tp, 0n]))
    })
    const read = Array.fromAsync(slow.batches())
    await first.promise
    const other = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await other.until(() => sizes.length === 2 && other.assigned.size === 1)
    assert.deepEqual(sizes, [2, 1])
    await slow.close()
    await read
  })

  test('a partition dropped while onAssign works on it is not read', async (t) => {
    const topic = await temporaryTopic(t, 2)
    await fill(topic, 2, 10)
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] }, (tp) => {
      if (tp.partition === 0) member.reader.drop(tp)
      return 0n
    })
    await member.until(() => member.values.length >= 10)
    await delay(300)
    assert.deepEqual(
      member.values.sort(),
      texts(10, 10)
        .map(({ value }) => String(value))
        .sort(),
    )
  })

  test('an error of onAssign ends batches() as it is', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const failure = new Error('the sink is away')
    const reader = openReader(config, { group: topic, topics: [topic], clientId: 'test' })
    t.after(() => reader.close())
    reader.onAssign(() => Promise.reject(failure))
    await assert.rejects(async () => {
      for await (const _ of reader.batches());
    }, failure)
  })

  test('close while the join is answered: onAssign is not called', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const { proxied, proxy } = await throughProxy(t)
    const reader = openReader(proxied, { clientId: 'test', group: topic, topics: [topic] })
    let called = 0
    reader.onAssign(async () => {
      called++
      return new Map()
    })
    const closed = Promise.withResolvers<void>()
    onAnswer(proxy, syncGroup, () => closed.resolve(reader.close()))
    await Array.fromAsync(reader.batches())
    await closed.promise
    assert.equal(called, 0)
  })

  test('close ends although onAssign never returns', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const reader = openReader(config, { clientId: 'test', group: topic, topics: [topic] })
    const called = Promise.withResolvers<void>()
    reader.onAssign(() => {
      called.resolve()
      return new Promise(() => {})
    })
    const read = Array.fromAsync(reader.batches())
    await called.promise
    await reader.close()
    assert.deepEqual(await read, [])
  })

  test('an onAssign that leaves by its AbortError has the member join again', async (t) => {
    const topic = await temporaryTopic(t, 2)
    await fill(topic, 2, 10)
    const reader = openReader(config, {
      clientId: 'test',
      group: topic,
      topics: [topic],
      sessionTimeout: 6_000,
    })
    t.after(() => reader.close())
    const first = Promise.withResolvers<void>()
    let calls = 0
    reader.onAssign(async (tps, signal) => {
      first.resolve()
      if (++calls === 1) await delay(60_000, undefined, { signal })
      return new Map(tps.map((tp) => [tp, 0n]))
    })
    const read = reader.batches()[Symbol.asyncIterator]()
    const batch = read.next()
    await first.promise
    const other = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await Promise.race([other.until(() => other.values.length === 10), batch])
    assert.equal((await batch).value?.records.length, 10)
  })

  test('a heartbeat that is refused during onAssign aborts it and ends batches() with the reason', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const { proxied, proxy } = await throughProxy(t)
    const refused = Promise.withResolvers<void>()
    onAnswer(proxy, heartbeat, (answer) => {
      answer.writeInt16BE(groupAuthorizationFailed, answer.length - 2)
      refused.resolve()
    })
    const reader = openReader(proxied, {
      clientId: 'test',
      group: topic,
      topics: [topic],
      sessionTimeout: 6_000,
    })
    t.after(() => reader.close())
    let aborted = false
    reader.onAssign(async (tps, signal) => {
      await refused.promise
      await delay(200) // works on, as a claim would that cannot be broken off
      aborted = signal.aborted
      return new Map(tps.map((tp) => [tp, 0n]))
    })
    await assert.rejects(Array.fromAsync(reader.batches()), (error) => {
      assert(error instanceof ConfigError)
      assert.match(error.message, /GROUP_AUTHORIZATION_FAILED/)
      return true
    })
    assert.equal(aborted, true)
  })

  test('partitions added to the topic are shared out and read', async (t) => {
    const topic = await temporaryTopic(t, 2)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], metadataInterval: 200 }
    const members = [new Member(t, positions, options), new Member(t, positions, options)] as const
    const [first, second] = members
    await first.until(() => first.assigned.size === 1 && second.assigned.size === 1)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    await admin.createPartitions(topic, 4)
    await first.until(() => first.assigned.size === 2 && second.assigned.size === 2)
    const sent = await fill(topic, 4, 10)
    await first.until(() => first.values.length + second.values.length === sent.length)
    assert.deepEqual(members.flatMap((member) => member.values).sort(), sent)
  })

  test('a paused partition of a deleted topic fails when it is resumed, not before', async (t) => {
    const topic = await temporaryTopic(t, 2)
    await fill(topic, 2, 10)
    const member = new Member(t, new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 20)
    const [paused, read] = [0, 1].map((partition) => ({ topic, partition }))
    assert(paused && read)
    member.reader.pause([paused])
    const admin = openAdmin(config)
    t.after(() => admin.close())
    await admin.deleteTopic(topic)
    const failed = () => member.errors.map(([name]) => name)
    await member.until(() => failed().includes(tpName(read)))
    assert.deepEqual(failed(), [tpName(read)])
    member.reader.resume([paused])
    await member.until(() => failed().includes(tpName(paused)))
  })
})
