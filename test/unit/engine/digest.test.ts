import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addDigest, recordDigest } from '../../../src/engine/digest.ts'
import type { KafkaRecord } from '../../../src/kafka/types.ts'

const record = (offset: bigint, key: string | null, value: string | null): KafkaRecord => ({
  offset,
  timestamp: 0n,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
})

describe('recordDigest', () => {
  it('differs by offset, key and value, and tells null from empty', async () => {
    const digest = await recordDigest()
    const records = [
      record(1n, 'k', 'v'),
      record(2n, 'k', 'v'),
      record(1n, 'l', 'v'),
      record(1n, 'k', 'w'),
      record(1n, null, 'v'),
      record(1n, '', 'v'),
      record(1n, 'k', null),
      record(1n, 'k', ''),
    ]
    assert.equal(new Set(records.map(digest)).size, records.length)
    assert.equal(digest(record(1n, 'k', 'v')), digest(record(1n, 'k', 'v')))
  })

  it('sums to the same in any order and stays below 2^64', async () => {
    const digest = await recordDigest()
    const sums = [1n, 2n, 3n].map((n) => digest(record(n, null, 'x')))
    const forward = sums.reduce(addDigest, 0n)
    const backward = [...sums].reverse().reduce(addDigest, 0n)
    assert.equal(forward, backward)
    assert.equal(addDigest(2n ** 64n - 1n, 2n), 1n)
  })
})
