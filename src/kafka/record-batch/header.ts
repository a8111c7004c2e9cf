import { crc32c } from '@platformatic/wasm-utils/bundled'
import { CorruptBatchError, OldFormatError } from '../errors.ts'
import { Attribute, Field, logOverhead } from './layout.ts'

export interface BatchHeader {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly isControl: boolean
  readonly isTransactional: boolean
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  /** The whole batch, header included. */
  readonly bytes: Buffer
}

/**
 * Reads the header of the batch that starts at `at`, and checks the batch's CRC.
 * Returns undefined when the batch is cut off, as the last one of a fetch may be.
 * Throws OldFormatError for message formats 0 and 1, CorruptBatchError for bytes that cannot be a batch.
 */
export function readBatch(log: Buffer, at: number): BatchHeader | undefined {
  if (log.length - at < Field.magic + 1) return undefined
  const magic = log.readInt8(at + Field.magic)
  if (magic === 0 || magic === 1) {
    throw new OldFormatError(`the log holds records of message format ${magic}, from before Kafka 0.11`, {
      where: `offset ${log.readBigInt64BE(at)}`,
      next: 'copy the topic with a current client, or let retention remove the old segments',
    })
  }
  const baseOffset = log.readBigInt64BE(at)
  const length = logOverhead + log.readInt32BE(at + Field.batchLength)
  if (magic !== 2 || length < Field.records) {
    throw new CorruptBatchError(`not a record batch: message format ${magic}, ${length} bytes`, {
      where: `offset ${baseOffset}`,
    })
  }
  if (log.length - at < length) return undefined
  const bytes = log.subarray(at, at + length)
  checkCrc(bytes, baseOffset)

  const attributes = bytes.readInt16BE(Field.attributes)
  const lastOffsetDelta = bytes.readInt32BE(Field.lastOffsetDelta)
  const recordCount = bytes.readInt32BE(Field.recordCount)
  if (lastOffsetDelta < 0 || recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    throw new CorruptBatchError(
      `record batch claims ${recordCount} records in ${lastOffsetDelta + 1} offsets`,
      { where: `offset ${baseOffset}` },
    )
  }
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    lastOffsetDelta,
    attributes,
    isControl: (attributes & Attribute.control) !== 0,
    isTransactional: (attributes & Attribute.transactional) !== 0,
    baseTimestamp: bytes.readBigInt64BE(Field.baseTimestamp),
    maxTimestamp: bytes.readBigInt64BE(Field.maxTimestamp),
    producerId: bytes.readBigInt64BE(Field.producerId),
    producerEpoch: bytes.readInt16BE(Field.producerEpoch),
    baseSequence: bytes.readInt32BE(Field.baseSequence),
    recordCount,
    bytes,
  }
}

function checkCrc(bytes: Buffer, baseOffset: bigint): void {
  const stored = bytes.readUInt32BE(Field.crc)
  const computed = crc32c(bytes.subarray(Field.attributes))
  if (stored !== computed) {
    throw new CorruptBatchError(
      `record batch of ${bytes.length} bytes has CRC ${computed.toString(16)}, its header says ${stored.toString(16)}`,
      { where: `offset ${baseOffset}` },
    )
  }
}

/** Offset after the last complete batch; undefined when there is none. Checks nothing: a hint for scheduling. */
export function endOffset(log: Buffer): bigint | undefined {
  let end: bigint | undefined
  for (let at = 0; log.length - at >= Field.records; ) {
    const length = logOverhead + log.readInt32BE(at + Field.batchLength)
    if (length < Field.records || log.length - at < length) break
    end = log.readBigInt64BE(at) + BigInt(log.readInt32BE(at + Field.lastOffsetDelta)) + 1n
    at += length
  }
  return end
}
