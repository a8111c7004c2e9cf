import { lz4Compress, lz4Decompress } from '@platformatic/wasm-utils/bundled'
import { CorruptBatchError } from '../errors.ts'
import { checkDecompressedSize } from './limit.ts'

/** LZ4 frames, as Kafka uses since message format 2. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
const magic = 0x184d2204
/** A block's maximum size by the code in the frame descriptor. */
const blockSizes: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 }
/** No LZ4 sequence makes more than 255 bytes of one. */
const maxExpansion = 255

export function compress(bytes: Buffer): Buffer {
  return lz4Compress(bytes)
}

export function decompress(bytes: Buffer, limit: number): Buffer {
  checkDecompressedSize('lz4', upperBound(bytes), limit)
  return lz4Decompress(bytes)
}

/**
 * The most that the frame can decompress to, from its block headers alone. A frame need not say its size, and the
 * decoder takes memory as it goes, so this is looked at first.
 */
function upperBound(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== magic) throw new CorruptBatchError('not an lz4 frame')
  const flags = frame.readUInt8(4)
  const blockSize = blockSizes[(frame.readUInt8(5) >> 4) & 0x07]
  if (flags >> 6 !== 1 || blockSize === undefined) throw new CorruptBatchError('unknown kind of lz4 frame')
  const hasBlockChecksum = (flags & 0x10) !== 0
  const hasContentSize = (flags & 0x08) !== 0
  const hasDictionary = (flags & 0x01) !== 0
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0)
  let bound = 0
  for (;;) {
    if (at + 4 > frame.length) throw new CorruptBatchError('lz4 frame is cut off')
    const header = frame.readUInt32LE(at)
    if (header === 0) return bound
    const size = header & 0x7fffffff
    const stored = header >>> 31 === 1
    bound += Math.min(blockSize, stored ? size : size * maxExpansion)
    at += 4 + size + (hasBlockChecksum ? 4 : 0)
  }
}
