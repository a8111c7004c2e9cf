import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copyOf } from '../../../src/engine/dlq/topic.ts'

describe('copy of a dead letter', () => {
  const record = {
    offset: 9_007_199_254_740_993n,
    timestamp: 5n,
    key: Buffer.from('k'),
    value: null,
    headers: [
      ['a', Buffer.from([0, 255])],
      ['a', null],
    ] as const,
  }
  const letter = { record, schemaId: 7, errorClass: 'data', message: 'x'.repeat(5_000) }

  it('has the record as it was, and where it comes from behind its own headers', () => {
    const copy = copyOf({ topic: 't', partition: 3 }, 'g', letter)
    assert.deepEqual([copy.key, copy.value, copy.timestamp], [record.key, null, 5n])
    assert.deepEqual(copy.headers?.slice(0, 2), record.headers)
    const ours = copy.headers?.slice(2).map(([name, value]) => [name, value?.toString().slice(0, 20)])
    assert.deepEqual(ours, [
      ['etl.dlq.topic', 't'],
      ['etl.dlq.partition', '3'],
      ['etl.dlq.offset', '9007199254740993'],
      ['etl.dlq.group', 'g'],
      ['etl.dlq.error.class', 'data'],
      ['etl.dlq.error.message', 'x'.repeat(20)],
      ['etl.dlq.schema.id', '7'],
    ])
  })

  it('names no schema where the record named none, and a message that a broker takes', () => {
    const copy = copyOf({ topic: 't', partition: 0 }, 'g', { ...letter, schemaId: null })
    assert(!copy.headers?.some(([name]) => name === 'etl.dlq.schema.id'))
    const message = copy.headers?.find(([name]) => name === 'etl.dlq.error.message')?.[1]
    assert.equal(message?.length, 4_000)
  })
})
