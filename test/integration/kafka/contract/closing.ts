import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { onAnswer, throughProxy } from '../broker-proxy.ts'
import { type Member, Positions } from '../member.ts'
import type { Cases } from './test-bed.ts'

/** https://kafka.apache.org/protocol#protocol_api_keys */
const syncGroup = 14

/** Milliseconds of the long polls and joins that close() must not wait for. */
const longPoll = 30_000

/**
 * Closes, and checks that this ends before what it could have waited for would: which of the two comes first, not how long it takes, so
 * that a slow machine changes nothing.
 */
async function assertClosesAtOnce(close: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  const late = delay(longPoll / 3, 'not yet', { signal: timer.signal }).catch(() => undefined)
  assert.equal(await Promise.race([close.then(() => 'closed'), late]), 'closed')
  timer.abort()
}

const moments: Readonly<Record<string, (member: Member) => Promise<unknown>>> = {
  'before the group is joined': async () => {},
  'while it joins': () => delay(20),
  'as it is assigned': (member) => member.until(() => member.assignments > 0),
  'in mid-batch': (member) => member.until(() => member.values.length === 10),
  'in a long poll': (member) => member.until(() => member.values.length === 10).then(() => delay(200)),
}

export const closing: Cases = {
  ...Object.fromEntries(
    Object.entries(moments).map(([moment, reached]): [string, Cases[string]] => [
      `close ends batches() at once, ${moment}; a second close does nothing`,
      async (bed) => {
        const topic = await bed.topic()
        await bed.fill(topic, 1, 10)
        const member = bed.member(new Positions(), { group: topic, topics: [topic], maxWait: longPoll })
        await reached(member)
        await assertClosesAtOnce(member.reader.close())
        await assertClosesAtOnce(member.running)
        await member.reader.close()
      },
    ]),
  ),

  'close while another member holds up the join': async (bed) => {
    const topic = await bed.topic(2)
    const slow = bed.member(new Positions(), { group: topic, topics: [topic] })
    await slow.until(() => slow.assignments > 0)
    const revoking = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    slow.onRevoke = () => {
      revoking.resolve()
      return release.promise
    }
    const joining = bed.member(new Positions(), { group: topic, topics: [topic] })
    await revoking.promise
    await assertClosesAtOnce(joining.reader.close())
    await assertClosesAtOnce(joining.running)
    release.resolve()
    await slow.until(() => slow.assigned.size === 2)
  },

  'close while the broker does not answer any more': async (bed) => {
    const topic = await bed.topic()
    await bed.fill(topic, 1, 10)
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] }, { cluster: proxied })
    await member.until(() => member.values.length === 10)
    proxy.onRequest = () => false
    await delay(500)
    await assertClosesAtOnce(member.reader.close())
    await assertClosesAtOnce(member.running)
  },

  'close calls no callback: not onRevoke, and not onAssign when the join is answered just then': async (
    bed,
  ) => {
    const topic = await bed.topic()
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    const reader = bed.open({ group: topic, topics: [topic] }, proxied)
    const called: string[] = []
    reader.onAssign(async () => {
      called.push('onAssign')
      return new Map()
    })
    reader.onRevoke(async () => {
      called.push('onRevoke')
    })
    const closed = Promise.withResolvers<void>()
    onAnswer(proxy, syncGroup, () => closed.resolve(reader.close()))
    await Array.fromAsync(reader.batches())
    await closed.promise
    assert.deepEqual(called, [])
  },

  'close during onAssign aborts its signal and waits for it; nothing is assigned after it': async (bed) => {
    const topic = await bed.topic()
    const reader = bed.open({ group: topic, topics: [topic] })
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
  },

  'close ends although onAssign never returns': async (bed) => {
    const topic = await bed.topic()
    const reader = bed.open({ group: topic, topics: [topic] })
    const called = Promise.withResolvers<void>()
    reader.onAssign(() => {
      called.resolve()
      return new Promise(() => {})
    })
    const read = Array.fromAsync(reader.batches())
    await called.promise
    await reader.close()
    assert.deepEqual(await read, [])
  },
}
