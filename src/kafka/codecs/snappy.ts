import { snappyCompress, snappyDecompress } from '@platformatic/wasm-utils/bundled'
import { CorruptBatchError } from '../errors.ts'
import { checkDecompressedSize } from './limit.ts'

/**
 * Kafka's snappy is the block format of snappy-java ("xerial"): a 16-byte header, then blocks of a 4-byte big endian
 * length and a raw snappy block. https://github.com/xerial/snappy-java (SnappyOutputStream). A
 * raw snappy block alone, which some clients write, is read too.
 */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** Size of a block that snappy-java writes. */
const blockSize = 32 * 1024

export function compress(bytes: Buffer): Buffer {
  const parts: Buffer[] = [xerialHeader]
  for (let at = 0; at < bytes.length; at += blockSize) {
    const block = snappyCompress(bytes.subarray(at, at + blockSize))
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export function decompress(bytes: Buffer, limit: number): Buffer {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return decompressBlock(bytes, limit)
  if (bytes.length < xerialHeader.length) throw new CorruptBatchError('snappy header is cut off')
  const parts: Buffer[] = []
  let total = 0
  for (let at = xerialHeader.length; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new CorruptBatchError('snappy block is cut off')
    const length = bytes.readUInt32BE(at)
    at += 4
    if (at + length > bytes.length) throw new CorruptBatchError('snappy block is cut off')
    const block = bytes.subarray(at, at + length)
    checkDecompressedSize('snappy', total + declaredSize(block), limit)
    const part = snappyDecompress(block)
    parts.push(part)
    total += part.length
    at += length
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, total)
}

function decompressBlock(block: Buffer, limit: number): Buffer {
  checkDecompressedSize('snappy', declaredSize(block), limit)
  return snappyDecompress(block)
}

/** A raw block starts with its uncompressed size as a little endian base 128 varint. */
function declaredSize(block: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw new CorruptBatchError('snappy block has no size')
}
