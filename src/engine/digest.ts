import xxhash from 'xxhash-wasm'
import type { KafkaRecord } from '../kafka/types.ts'

export type RecordDigest = (record: KafkaRecord) => bigint

const nullKey = 1n
const nullValue = 2n

/**
 * Digest of one record: XXH64 of the value, seeded with XXH64 of the key, seeded with the offset. Null and empty
 * differ by their seeds. Summed modulo 2^64 (`addDigest`) it becomes an order-free digest of a set of records.
 * Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
export async function recordDigest(): Promise<RecordDigest> {
  const { h64Raw } = await xxhash()
  const empty = new Uint8Array(0)
  return (record) => {
    const key = h64Raw(
      record.key ?? empty,
      record.key ? record.offset : record.offset ^ nullKey ^ (1n << 63n),
    )
    return h64Raw(record.value ?? empty, record.value ? key : key ^ nullValue)
  }
}

export function addDigest(sum: bigint, digest: bigint): bigint {
  return BigInt.asUintN(64, sum + digest)
}
