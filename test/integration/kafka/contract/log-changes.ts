import assert from 'node:assert/strict'
import { OffsetOutOfRangeError, TopicChangedError } from '../../../../src/kafka/errors.ts'
import { deleteRecords, texts, values } from '../fixture.ts'
import type { Cases } from './test-bed.ts'

export const outOfRange: Cases = {
  "an offset before the log's start is an error that says what the log holds": async (bed) => {
    const topic = await bed.topic()
    await bed.produce(topic, texts(0, 10))
    await deleteRecords(topic, 4n, bed.cluster)
    await assert.rejects(bed.read(topic, { from: 2n }), (error) => {
      assert(error instanceof OffsetOutOfRangeError, String(error))
      assert.deepEqual([error.requested, error.logStart, error.logEnd], [2n, 4n, 10n])
      return true
    })
  },

  "an offset beyond the log's end is an error that says what the log holds": async (bed) => {
    const topic = await bed.topic()
    await bed.produce(topic, texts(0, 10))
    await assert.rejects(bed.read(topic, { from: 11n, to: 20n }), (error) => {
      assert(error instanceof OffsetOutOfRangeError, String(error))
      assert.deepEqual([error.requested, error.logStart, error.logEnd], [11n, 0n, 10n])
      return true
    })
  },
}

export const madeAnew: Cases = {
  'a topic that is deleted and made anew while it is read is an error, not other records': async (bed) => {
    const topic = await bed.topic()
    for (let i = 0; i < 10; i++) await bed.produce(topic, texts(i * 100, 100))
    const shown: string[] = []
    const reading = async () => {
      for await (const { records } of bed.batches(topic, { maxPartitionBytes: 1 })) {
        if (shown.length === 0) await bed.makeAnew(topic, 2_000)
        shown.push(...values(records))
      }
    }
    await assert.rejects(reading, (error) => {
      assert(error instanceof TopicChangedError, String(error))
      assert.match(error.next ?? '', /^etl offsets reset/)
      return true
    })
    assert.deepEqual(
      shown,
      texts(0, shown.length).map(({ value }) => String(value)),
    )
    assert(shown.length < 1_000)
  },
}
