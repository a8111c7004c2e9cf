import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionForKey } from '../../../src/kafka/partitioner.ts'

/** Key in hex, Utils.murmur2, Utils.toPositive(…) % 7: computed with kafka-clients 4.3.1. */
const vectors: readonly [string, number, number][] = [
  ['', 275646681, 2],
  ['61', -1563381124, 5],
  ['6162', 316155434, 0],
  ['616263', 479470107, 4],
  ['61626364', -1323649548, 5],
  ['6162636465', 461995741, 4],
  ['666f6f626172', -790332482, 0],
  ['612d6c6974746c652d6269742d6c6f6e672d737472696e67', -985981536, 1],
  ['612d6c6974746c652d6269742d6c6f6e6765722d737472696e67', -1486304829, 0],
  [
    '6c6b6a683233346c68396669756839307932336f697568736166756a6861646f66323239706872396831396838396838',
    -58897971,
    3,
  ],
  ['c3a4e282acf09f9880', -565103750, 1],
  ['00000000', 850957120, 6],
]

test("murmur2 and the partition are Java's for keys of every length modulo 4", () => {
  for (const [hex, hash, partition] of vectors) {
    const key = Buffer.from(hex, 'hex')
    assert.equal(murmur2(key), hash, hex)
    assert.equal(partitionForKey(key, 7), partition, hex)
  }
})

test('bytes above 127 count as unsigned', () => {
  assert.equal(murmur2(Buffer.from(Array.from({ length: 256 }, (_, i) => i))), -1948347274)
})
