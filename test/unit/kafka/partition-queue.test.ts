import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Ticket } from '../../../src/kafka/produce/out-batch.ts'
import { PartitionQueue } from '../../../src/kafka/produce/partition-queue.ts'
import { readBatch } from '../../../src/kafka/record-batch/header.ts'
import { RecordCursor } from '../../../src/kafka/record-batch/records.ts'

const identity = { producerId: 7n, producerEpoch: 0 }

/** A broker's partition: appends batches whose sequence follows, as a broker checks it (KIP-98). */
class SequenceCheckingLog {
  readonly values: number[] = []
  #next = 0

  append(bytes: Buffer): bigint {
    const header = readBatch(bytes, 0)
    assert(header)
    assert.equal(header.baseSequence, this.#next, 'sequence numbers have no gap and no repetition')
    this.#next += header.recordCount
    const base = BigInt(this.values.length)
    const cursor = new RecordCursor(header, 1 << 20)
    for (let record = cursor.next(); record; record = cursor.next()) {
      this.values.push(Number(String(record.value)))
    }
    return base
  }
}

suite('queue of a partition', () => {
  test('whatever happens to its batches, records are appended once and in order', async () => {
    const outcome = fc.constantFrom('ok', 'ok', 'retry', 'split', 'reject', 'prepare')
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
      fc.infiniteStream(outcome),
      async (sizes, outcomes) => {
        const queue = new PartitionQueue(
          { topic: 't', partition: 0 },
          { compression: 'none', batchBytes: 2_000, batchRecords: 16 },
        )
        const log = new SequenceCheckingLog()
        let n = 0
        const sends = sizes.map((size) => {
          const ticket = new Ticket(size, Date.now() + 60_000)
          const values = Array.from({ length: size }, () => n++)
          const records = values.map((value) => ({ key: null, value: Buffer.from(String(value)) }))
          queue.add({ ticket, records, from: 0, to: size })
          return {
            values,
            result: ticket.promise.then(
              (result) => result,
              (error: Error) => error,
            ),
          }
        })
        for (let i = 0; !queue.isEmpty; i++) {
          const batch = queue.start(identity)
          if (!batch) break
          const what = i > 400 ? 'ok' : outcomes.next().value
          if (what === 'retry') queue.retry()
          else if (what === 'split' && batch.count > 1) queue.split()
          else if (what === 'reject') queue.rejected(new Error('refused'))
          else {
            if (what === 'prepare') queue.prepare(identity)
            queue.acknowledged(log.append(batch.bytes))
          }
        }
        assert.deepEqual(
          log.values,
          [...new Set(log.values)].sort((a, b) => a - b),
        )
        for (const { values, result } of sends) {
          const sent = await result
          if (sent instanceof Error) continue
          assert.equal(sent.records, values.length)
          const at = Number(sent.baseOffset)
          assert.equal(log.values[at], values[0])
          for (const value of values) assert(log.values.includes(value))
        }
      },
    )
    await fc.assert(property, { numRuns: 500 })
  })

  test('concurrent sends share a batch, and each learns its own offset and share of the bytes', async () => {
    const queue = new PartitionQueue(
      { topic: 't', partition: 0 },
      { compression: 'none', batchBytes: 10_000, batchRecords: 100 },
    )
    const tickets = [1, 3, 2].map((size) => {
      const ticket = new Ticket(size, 0)
      const records = Array.from({ length: size }, () => ({ key: null, value: Buffer.from('x') }))
      queue.add({ ticket, records, from: 0, to: size })
      return ticket
    })
    const batch = queue.start(identity)
    queue.acknowledged(100n)
    const results = await Promise.all(tickets.map(({ promise }) => promise))
    assert.deepEqual(
      results.map(({ records, baseOffset }) => [records, baseOffset]),
      [
        [1, 100n],
        [3, 101n],
        [2, 104n],
      ],
    )
    assert.equal(
      results.reduce((sum, { bytes }) => sum + bytes, 0),
      batch?.bytes.length,
    )
    assert(queue.isEmpty)
  })

  test('a retried batch has the same bytes', () => {
    const queue = new PartitionQueue(
      { topic: 't', partition: 0 },
      { compression: 'lz4', batchBytes: 10_000, batchRecords: 100 },
    )
    const ticket = new Ticket(1, 0)
    queue.add({ ticket, records: [{ key: null, value: Buffer.from('x') }], from: 0, to: 1 })
    const first = queue.start(identity)
    queue.retry()
    assert.equal(queue.start(identity), first)
  })
})
