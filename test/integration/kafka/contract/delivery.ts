import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../../../../src/errors.ts'
import { OffsetOutOfRangeError, TopicChangedError } from '../../../../src/kafka/errors.ts'
import { tpName } from '../../../../src/kafka/types.ts'
import { texts } from '../fixture.ts'
import { Positions } from '../member.ts'
import type { Cases } from './test-bed.ts'

const numbered = (from: number, count: number) => texts(from, count).map(({ value }) => String(value))

export const delivery: Cases = {
  'reading starts where onAssign says, leaves out what it leaves out, and goes on as records come': async (
    bed,
  ) => {
    const topic = await bed.topic(3)
    await bed.fill(topic, 3, 100)
    const reader = bed.open({ group: topic, topics: [topic] })
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
        await bed.fill(topic, 1, 5, 1_000)
      }
      if (read.length === 25) break
    }
    assert.deepEqual(read.sort(), [...numbered(90, 10), ...numbered(190, 10), ...numbered(1_000, 5)].sort())
  },

  'a paused partition is not delivered, and loses nothing': async (bed) => {
    const topic = await bed.topic(2)
    const sent = await bed.fill(topic, 2, 2_000)
    const positions = new Positions()
    const member = bed.member(positions, { group: topic, topics: [topic], maxPartitionBytes: 5_000 })
    const paused = { topic, partition: 0 }
    let delivered = 0
    let resumed = false
    member.onBatch = async ({ partition }) => {
      if (partition === 0 && delivered++ === 0) member.reader.pause([paused])
      else assert(partition === 1 || resumed)
    }
    await member.until(() => positions.of({ topic, partition: 1 }) === 2_000n && delivered > 0)
    assert(positions.of(paused) < 2_000n)
    resumed = true
    member.reader.resume([{ ...paused }])
    await member.until(() => member.values.length === sent.length)
    assert.deepEqual(member.values.sort(), sent)
  },

  'a dropped partition is not delivered any more': async (bed) => {
    const topic = await bed.topic(2)
    await bed.fill(topic, 2, 2_000)
    const positions = new Positions()
    const member = bed.member(positions, { group: topic, topics: [topic], maxPartitionBytes: 5_000 })
    let dropped = false
    member.onBatch = async (batch) => {
      if (batch.partition !== 0) return
      assert.equal(dropped, false)
      dropped = true
      member.reader.drop(batch)
    }
    await member.until(() => dropped && positions.of({ topic, partition: 1 }) === 2_000n)
    assert(positions.of({ topic, partition: 0 }) < 2_000n)
  },

  'an offset out of range stops its partition; the others go on': async (bed) => {
    const topic = await bed.topic(2)
    await bed.fill(topic, 2, 10)
    const start = ({ partition }: { partition: number }) => (partition === 0 ? 1_000n : 0n)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] }, { start })
    await member.until(() => member.errors.length > 0 && member.values.length === 10)
    const [[name, error]] = member.errors as [[string, Error]]
    assert.equal(name, tpName({ topic, partition: 0 }))
    assert(error instanceof OffsetOutOfRangeError)
    assert.deepEqual([error.requested, error.logStart, error.logEnd], [1_000n, 0n, 10n])
  },

  'offsets are mirrored into the group, and never read back': async (bed) => {
    const topic = await bed.topic()
    await bed.fill(topic, 1, 10)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] })
    assert.equal(await member.reader.mirrorOffsets(new Map([[{ topic, partition: 0 }, 1n]])), false)
    await member.until(() => member.values.length === 10)
    assert.equal(await member.reader.mirrorOffsets(new Map([[{ topic, partition: 0 }, 7n]])), true)
    assert.deepEqual(await bed.admin().groupOffsets(topic, topic), new Map([[0, 7n]]))
    await member.reader.close()
    const next = bed.member(new Positions(), { group: topic, topics: [topic] })
    await next.until(() => next.values.length === 10)
  },
}

export const topicErrors: Cases = {
  'a topic that does not exist is an error that names etl apply': async (bed) => {
    const member = bed.member(new Positions(), { group: 'no-such', topics: ['no-such-topic'] })
    await assert.rejects(member.running, (error) => {
      assert(error instanceof ConfigError, String(error))
      assert.match(error.next ?? '', /^etl apply/)
      return true
    })
  },

  'a topic deleted under the reader is an error': async (bed) => {
    const topic = await bed.topic()
    await bed.fill(topic, 1, 10)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 10)
    await bed.admin().deleteTopic(topic)
    await member.until(() => member.errors.length > 0)
    assert.match(String(member.errors[0]?.[1].message), /does not exist/)
  },

  'a topic made anew while nobody looked is an error, too': async (bed) => {
    const topic = await bed.topic()
    await bed.fill(topic, 1, 10)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 10)
    member.reader.pause([{ topic, partition: 0 }])
    await delay(500) // the last long poll is over
    await bed.makeAnew(topic, 20)
    member.reader.resume([{ topic, partition: 0 }])
    await member.until(() => member.errors.length > 0)
    assert(member.errors[0]?.[1] instanceof TopicChangedError)
    assert.equal(member.values.length, 10)
  },

  'a topic made anew while onAssign looks up the positions is an error, too': async (bed) => {
    const topic = await bed.topic()
    await bed.fill(topic, 1, 10)
    const reader = bed.open({ group: topic, topics: [topic], metadataInterval: 100 })
    reader.onAssign(async (tps) => {
      await bed.makeAnew(topic, 20)
      await delay(500) // the reader has looked at the topics meanwhile
      return new Map(tps.map((tp) => [tp, 10n]))
    })
    const failed = Promise.withResolvers<Error>()
    reader.onPartitionError((_tp, error) => failed.resolve(error))
    const shown = Array.fromAsync(reader.batches())
    assert((await failed.promise) instanceof TopicChangedError)
    await reader.close()
    assert.deepEqual(await shown, [])
  },

  'a paused partition of a deleted topic fails when it is resumed, not before': async (bed) => {
    const topic = await bed.topic(2)
    await bed.fill(topic, 2, 10)
    const member = bed.member(new Positions(), { group: topic, topics: [topic] })
    await member.until(() => member.values.length === 20)
    const [paused, read] = [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ]
    member.reader.pause([paused])
    await bed.admin().deleteTopic(topic)
    const failed = () => member.errors.map(([name]) => name)
    await member.until(() => failed().includes(tpName(read)))
    assert.deepEqual(failed(), [tpName(read)])
    member.reader.resume([paused])
    await member.until(() => failed().includes(tpName(paused)))
  },
}
