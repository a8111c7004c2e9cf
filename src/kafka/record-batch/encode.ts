import { crc32c } from '@platformatic/wasm-utils/bundled'
import { codecCode, compress } from '../codecs/codec.ts'
import type { Compression, OutRecord } from '../producer.ts'
import { Attribute, Field, logOverhead, noProducerId } from './layout.ts'

export interface BatchOptions {
  readonly compression: Compression
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** The records count only when the producer's transaction is committed. */
  readonly transactional?: boolean
  /** Milliseconds since the epoch for records without a timestamp of their own. */
  readonly now: bigint
}

/** One record batch that a broker stores as it is. Records must not be empty. */
export function encodeBatch(records: readonly OutRecord[], options: BatchOptions): Buffer {
  const first = records[0]?.timestamp ?? options.now
  let last = first
  for (const { timestamp = options.now } of records) if (timestamp > last) last = timestamp
  const data = compress(options.compression, encodeRecords(records, first, options.now))
  return frameBatch(data, {
    attributes: codecCode(options.compression) | (options.transactional ? Attribute.transactional : 0),
    lastOffsetDelta: records.length - 1,
    recordCount: records.length,
    baseTimestamp: first,
    maxTimestamp: last,
    producerId: options.producerId ?? noProducerId,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
  })
}

export interface BatchFrame {
  readonly baseOffset?: bigint
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly recordCount: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** Puts header and CRC before records that are encoded and compressed already. */
export function frameBatch(data: Buffer, frame: BatchFrame): Buffer {
  const batch = Buffer.allocUnsafe(Field.records + data.length)
  batch.writeBigInt64BE(frame.baseOffset ?? 0n, Field.baseOffset)
  batch.writeInt32BE(batch.length - logOverhead, Field.batchLength)
  batch.writeInt32BE(-1, Field.partitionLeaderEpoch)
  batch.writeInt8(2, Field.magic)
  batch.writeInt16BE(frame.attributes, Field.attributes)
  batch.writeInt32BE(frame.lastOffsetDelta, Field.lastOffsetDelta)
  batch.writeBigInt64BE(frame.baseTimestamp, Field.baseTimestamp)
  batch.writeBigInt64BE(frame.maxTimestamp, Field.maxTimestamp)
  batch.writeBigInt64BE(frame.producerId, Field.producerId)
  batch.writeInt16BE(frame.producerEpoch, Field.producerEpoch)
  batch.writeInt32BE(frame.baseSequence, Field.baseSequence)
  batch.writeInt32BE(frame.recordCount, Field.recordCount)
  data.copy(batch, Field.records)
  batch.writeUInt32BE(crc32c(batch.subarray(Field.attributes)), Field.crc)
  return batch
}

/** Upper bound of a record's encoded bytes; batches are filled by it. */
export function recordSizeBound(record: OutRecord): number {
  let size = maxOverhead + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [key, value] of record.headers ?? []) size += 10 + key.length * 3 + (value?.length ?? 0)
  return size
}

/** Length, attributes, timestamp delta, offset delta, lengths of key and value, header count. */
const maxOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 5

/** Uncompressed records, with timestamps relative to `baseTimestamp` and offsets to the first record. */
export function encodeRecords(records: readonly OutRecord[], baseTimestamp: bigint, now: bigint): Buffer {
  const writer = new RecordWriter(records.reduce((sum, record) => sum + recordSizeBound(record), 0))
  let sameTimestamp = now
  let sameDelta: number | bigint = smallest(now - baseTimestamp)
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as OutRecord
    const timestamp = record.timestamp ?? now
    if (timestamp !== sameTimestamp) {
      sameTimestamp = timestamp
      sameDelta = smallest(timestamp - baseTimestamp)
    }
    writer.record(record, i, sameDelta)
  }
  return writer.bytes()
}

/** Writes into a buffer that is known to be large enough. */
class RecordWriter {
  readonly #buffer: Buffer
  #at = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  record(record: OutRecord, offsetDelta: number, timestampDelta: number | bigint): void {
    const { key, value, headers = [] } = record
    const keyLength = key === null ? -1 : key.length
    const valueLength = value === null ? -1 : value.length
    const headerKeys = headers.map(([name]) => Buffer.byteLength(name))
    let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta)
    size += sizeOfVarint(keyLength) + Math.max(keyLength, 0)
    size += sizeOfVarint(valueLength) + Math.max(valueLength, 0)
    size += sizeOfVarint(headers.length)
    for (let i = 0; i < headers.length; i++) {
      const nameLength = headerKeys[i] as number
      const length = headers[i]?.[1]?.length ?? -1
      size += sizeOfVarint(nameLength) + nameLength + sizeOfVarint(length) + Math.max(length, 0)
    }

    this.#varint(size)
    this.#buffer[this.#at++] = 0 // attributes
    this.#varlong(timestampDelta)
    this.#varint(offsetDelta)
    this.#blob(key)
    this.#blob(value)
    this.#varint(headers.length)
    for (let i = 0; i < headers.length; i++) {
      this.#varint(headerKeys[i] as number)
      this.#at += this.#buffer.write(headers[i]?.[0] as string, this.#at, 'utf8')
      this.#blob(headers[i]?.[1] ?? null)
    }
  }

  #blob(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#varint(-1)
      return
    }
    this.#varint(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
  }

  #varlong(value: number | bigint): void {
    if (typeof value === 'number') {
      this.#varint(value)
      return
    }
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#buffer[this.#at++] = Number(rest)
  }
}

/** The delta as a number where it has 31 bits, which is nearly always. */
function smallest(delta: bigint): number | bigint {
  const number = Number(delta)
  return number >= -0x4000_0000 && number < 0x4000_0000 ? number : delta
}

function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

function sizeOfVarlong(value: number | bigint): number {
  if (typeof value === 'number') return sizeOfVarint(value)
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  let size = 1
  for (; rest > 0x7fn; rest >>= 7n) size++
  return size
}
