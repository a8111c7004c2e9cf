import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaterDeletes } from '../../../src/engine/dlq/later-deletes.ts'
import type { KafkaRecord } from '../../../src/kafka/types.ts'
import type { Row } from '../../../src/sink/sink.ts'

const record = (offset: bigint, key: string, value: string | null): KafkaRecord => ({
  offset,
  timestamp: 0n,
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
})
const row = (of: KafkaRecord): Row => ({
  op: of.value === null ? 'delete' : 'write',
  record: of,
  values: [of.key?.toString() ?? null],
})
const tp = { topic: 't', partition: 0 }

/** The log as a list; counts how often it was read. */
function over(log: readonly KafkaRecord[], start = 0n) {
  const end = (log.at(-1)?.offset ?? -1n) + 1n
  let reads = 0
  const deletes = new LaterDeletes({
    async *read(_, from, to) {
      reads++
      for (const each of log) if (each.offset >= from && each.offset < to) yield { records: [each] }
    },
    bounds: async () => ({ start, end }),
    deletions: async (records) => records.map(row),
    keyOf: ({ values }) => String(values[0]),
  })
  const judge = async (...letters: KafkaRecord[]) => {
    const { superseded, unclear } = await deletes.judge(tp, letters.map(row))
    return [[...superseded], [...unclear.keys()]]
  }
  return { judge, reads: () => reads }
}

describe('LaterDeletes', () => {
  const log = [
    record(0n, 'a', '1'),
    record(1n, 'b', '1'),
    record(2n, 'a', null),
    record(5n, 'c', null),
    record(6n, 'c', '2'),
  ]
  const [a, b, , , c] = log as [KafkaRecord, KafkaRecord, KafkaRecord, KafkaRecord, KafkaRecord]

  it('finds the letter whose key a later tombstone deleted, and no other', async () => {
    assert.deepEqual(await over(log).judge(a, b, c), [[0n], []])
  })

  it('cannot tell for a record that the log does not hold any more', async () => {
    assert.deepEqual(await over(log.slice(1), 1n).judge(record(0n, 'x', '1'), b), [[], [0n]])
    // Compaction left a gap where the record was.
    assert.deepEqual(await over(log).judge(record(3n, 'x', '1')), [[], [3n]])
    assert.deepEqual(await over([]).judge(a), [[], [0n]])
  })

  it('takes a tombstone for an answer although the record itself is gone', async () => {
    assert.deepEqual(await over(log.slice(1), 1n).judge(a), [[0n], []])
  })

  it('reads the log once for all pages of a partition, and not for deletions alone', async () => {
    const { judge, reads } = over(log)
    await judge(record(2n, 'a', null))
    assert.equal(reads(), 0)
    await judge(a)
    await judge(b, c)
    assert.equal(reads(), 1)
  })
})
