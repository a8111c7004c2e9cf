import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../../../../src/errors.ts'
import { onAnswer, throughProxy } from '../broker-proxy.ts'
import { texts } from '../fixture.ts'
import { Positions } from '../member.ts'
import type { Cases } from './test-bed.ts'

/** https://kafka.apache.org/protocol#protocol_api_keys and #protocol_error_codes */
const heartbeat = 12
const groupAuthorizationFailed = 30

export const assigning: Cases = {
  'a rebalance during onAssign aborts its signal, and the member joins again': async (bed) => {
    const topic = await bed.topic(2)
    const slow = bed.open({ group: topic, topics: [topic] })
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
    const other = bed.member(new Positions(), { group: topic, topics: [topic] })
    await other.until(() => sizes.length === 2 && other.assigned.size === 1)
    assert.deepEqual(sizes, [2, 1])
    await slow.close()
    await read
  },

  'an onAssign that leaves by its AbortError has the member join again': async (bed) => {
    const topic = await bed.topic(2)
    await bed.fill(topic, 2, 10)
    const reader = bed.open({ group: topic, topics: [topic] })
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
    const other = bed.member(new Positions(), { group: topic, topics: [topic] })
    await Promise.race([other.until(() => other.values.length === 10), batch])
    assert.equal((await batch).value?.records.length, 10)
  },

  'a heartbeat that is refused during onAssign aborts it and ends batches() with the reason': async (bed) => {
    const topic = await bed.topic()
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    const refused = Promise.withResolvers<void>()
    onAnswer(proxy, heartbeat, (answer) => {
      answer.writeInt16BE(groupAuthorizationFailed, answer.length - 2)
      refused.resolve()
    })
    const reader = bed.open({ group: topic, topics: [topic] }, proxied)
    let aborted = false
    reader.onAssign(async (tps, signal) => {
      await refused.promise
      await delay(200) // works on, as a claim would that cannot be broken off
      aborted = signal.aborted
      return new Map(tps.map((tp) => [tp, 0n]))
    })
    await assert.rejects(Array.fromAsync(reader.batches()), (error) => {
      assert(error instanceof ConfigError, String(error))
      assert.match(error.message, /denies.* Read on group/)
      return true
    })
    assert.equal(aborted, true)
  },

  'a partition dropped while onAssign works on it is not read': async (bed) => {
    const topic = await bed.topic(2)
    await bed.fill(topic, 2, 10)
    const start = (tp: { topic: string; partition: number }) => {
      if (tp.partition === 0) member.reader.drop(tp)
      return 0n
    }
    const member = bed.member(new Positions(), { group: topic, topics: [topic] }, { start })
    await member.until(() => member.values.length >= 10)
    await delay(300)
    const other = texts(10, 10).map(({ value }) => String(value))
    assert.deepEqual(member.values.toSorted(), other.toSorted())
  },

  'an error of onAssign ends batches() as it is': async (bed) => {
    const topic = await bed.topic()
    const failure = new Error('the sink is away')
    const reader = bed.open({ group: topic, topics: [topic] })
    reader.onAssign(() => Promise.reject(failure))
    await assert.rejects(async () => {
      for await (const _ of reader.batches());
    }, failure)
  },
}
