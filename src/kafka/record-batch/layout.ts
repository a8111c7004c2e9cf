/**
 * Record batch, message format 2 (KIP-98), all big endian:
 *
 * baseOffset int64 · batchLength int32 · partitionLeaderEpoch int32 · magic int8 · crc uint32 · attributes int16 ·
 * lastOffsetDelta int32 · baseTimestamp int64 · maxTimestamp int64 · producerId int64 · producerEpoch int16 ·
 * baseSequence int32 · recordCount int32 · records
 *
 * https://kafka.apache.org/documentation/#recordbatch. The CRC covers everything after itself; the records are
 * compressed as one piece.
 */
export const Field = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Bytes before the end of `batchLength`: what it does not count. */
export const logOverhead = 12

export const Attribute = {
  codec: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const

export const noProducerId = -1n
