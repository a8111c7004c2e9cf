import { CorruptBatchError } from '../errors.ts'
import type { Compression } from '../producer.ts'
import * as gzip from './gzip.ts'
import { tooLarge } from './limit.ts'
import * as lz4 from './lz4.ts'
import * as snappy from './snappy.ts'
import * as zstd from './zstd.ts'

/** Bits 0 to 2 of a record batch's attributes (KIP-98, zstd: KIP-110). */
const codes: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
const byCode = Object.keys(codes) as Compression[]

const codecs = { gzip, snappy, lz4, zstd }

export function codecCode(compression: Compression): number {
  return codes[compression]
}

export function codecOf(attributes: number): Compression {
  const code = attributes & 0x07
  const compression = byCode[code]
  if (!compression) throw new CorruptBatchError(`unknown compression codec ${code}`)
  return compression
}

/** The result shares memory with `records` when there is nothing to do, and with nothing else otherwise. */
export function compress(compression: Compression, records: Buffer): Buffer {
  return compression === 'none' ? records : codecs[compression].compress(records)
}

/** Throws CorruptBatchError for bytes that do not decompress, or to more than `limit` bytes. */
export function decompress(compression: Compression, bytes: Buffer, limit: number): Buffer {
  if (compression === 'none') return bytes
  try {
    return codecs[compression].decompress(bytes, limit)
  } catch (cause) {
    if (cause instanceof CorruptBatchError) throw cause
    if (isTooLarge(cause)) throw tooLarge(compression, 'more', limit, cause)
    const why = (cause as Error).message
    throw new CorruptBatchError(`${compression} data of a record batch cannot be decompressed: ${why}`, {
      cause,
    })
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
}
