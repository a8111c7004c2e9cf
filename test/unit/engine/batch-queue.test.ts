import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BatchQueue, type Slice } from '../../../src/engine/consume/batch-queue.ts'
import type { KafkaRecord, RecordBatch } from '../../../src/kafka/types.ts'

const unlimited = { records: 1e9, bytes: 1e9 }

function record(offset: bigint, size = 10): KafkaRecord {
  return { offset, timestamp: 0n, key: null, value: Buffer.alloc(size), headers: [] }
}

function batch(firstOffset: bigint, offsets: bigint[], nextOffset: bigint): RecordBatch {
  const records = offsets.map((offset) => record(offset))
  return {
    topic: 't',
    partition: 0,
    firstOffset,
    nextOffset,
    highWatermark: 100n,
    records,
    bytes: records.length * 10,
  }
}

function drain(queue: BatchQueue, limits: { records: number; bytes: number }): Slice[] {
  const slices: Slice[] = []
  for (let slice = queue.take(limits); slice; slice = queue.take(limits)) slices.push(slice)
  return slices
}

describe('BatchQueue', () => {
  it('joins small batches and moves over markers behind the last record', () => {
    const queue = new BatchQueue(0n)
    queue.push(batch(0n, [0n, 1n], 3n)) // offset 2 is a marker
    queue.push(batch(3n, [3n], 4n))
    const slices = drain(queue, unlimited)
    assert.deepEqual(
      slices.map((s) => [s.firstOffset, s.nextOffset, s.records.length]),
      [[0n, 4n, 3]],
    )
  })

  it('takes a batch without records: its offsets still move on', () => {
    const queue = new BatchQueue(5n)
    queue.push(batch(5n, [], 9n))
    assert.deepEqual(queue.take(unlimited), { firstOffset: 5n, nextOffset: 9n, records: [] })
    assert.equal(queue.take(unlimited), undefined)
  })

  it('stops at the end offset and forgets what is beyond', () => {
    const queue = new BatchQueue(0n, 2n)
    queue.push(batch(0n, [0n, 1n, 2n, 3n], 4n))
    const slice = queue.take(unlimited)
    assert.deepEqual([slice?.nextOffset, slice?.records.map((r) => r.offset)], [2n, [0n, 1n]])
    assert.equal(queue.take(unlimited), undefined)
    assert.equal(queue.records, 0)
  })

  it('stops at an end offset that lies in a gap', () => {
    const queue = new BatchQueue(0n, 3n)
    queue.push(batch(0n, [0n], 5n))
    assert.deepEqual(queue.take(unlimited)?.nextOffset, 3n)
  })

  it('refuses a batch that does not follow the one before', () => {
    const queue = new BatchQueue(5n)
    assert.throws(() => queue.push(batch(6n, [6n], 7n)), /offset 6, expected 5/)
    queue.push(batch(5n, [5n], 7n))
    assert.throws(() => queue.push(batch(5n, [5n], 7n)), /offset 5, expected 7/)
  })

  it('gives every record once, in order, with touching slices, whatever the limits and the log', () => {
    const log = fc.array(
      fc.array(fc.record({ gap: fc.integer({ min: 0, max: 3 }), size: fc.integer({ min: 0, max: 50 }) }), {
        maxLength: 12,
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(
        log,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 120 }),
        (shape, records, bytes) => {
          const queue = new BatchQueue(0n)
          let offset = 0n
          const offsets: bigint[] = []
          for (const part of shape) {
            const firstOffset = offset
            const rows: KafkaRecord[] = []
            for (const { gap, size } of part) {
              offset += BigInt(gap)
              rows.push(record(offset, size))
              offsets.push(offset++)
            }
            queue.push({
              ...batch(firstOffset, [], offset),
              records: rows,
              bytes: rows.reduce((n, r) => n + (r.value?.length ?? 0), 0),
            })
          }
          const slices = drain(queue, { records, bytes })
          assert.deepEqual(
            slices.flatMap((s) => s.records.map((r) => r.offset)),
            offsets,
          )
          let at = 0n
          for (const slice of slices) {
            assert.equal(slice.firstOffset, at)
            assert.ok(slice.records.length <= records)
            assert.ok(
              slice.records.every((r) => r.offset >= slice.firstOffset && r.offset < slice.nextOffset),
            )
            at = slice.nextOffset
          }
          assert.equal(at, shape.length > 0 ? offset : 0n)
          assert.deepEqual([queue.records, queue.bytes], [0, 0])
        },
      ),
    )
  })
})
