import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { CorruptBatchError, OldFormatError } from '../../../src/kafka/errors.ts'
import type { Compression, OutRecord } from '../../../src/kafka/producer.ts'
import { encodeBatch, frameBatch, recordSizeBound } from '../../../src/kafka/record-batch/encode.ts'
import { endOffset, readBatch } from '../../../src/kafka/record-batch/header.ts'
import { Attribute, Field } from '../../../src/kafka/record-batch/layout.ts'
import { RecordCursor } from '../../../src/kafka/record-batch/records.ts'
import type { KafkaRecord } from '../../../src/kafka/types.ts'
import { javaBatches } from './java-batches.ts'

const compressions: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const limit = 1 << 24

function decode(bytes: Buffer): KafkaRecord[] {
  const header = readBatch(bytes, 0)
  assert(header)
  return decodeAll(new RecordCursor(header, limit))
}

function decodeAll(cursor: RecordCursor): KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (let record = cursor.next(); record; record = cursor.next()) records.push(record)
  return records
}

/** Plain copies: LogRecord has getters, which deepEqual does not look at. */
function plain({ offset, timestamp, key, value, headers }: KafkaRecord) {
  return { offset, timestamp, key, value, headers: [...headers] }
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const header = fc.tuple(fc.string({ unit: 'binary' }), fc.option(bytes))
const outRecord: fc.Arbitrary<OutRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(header, { maxLength: 3 }),
  timestamp: fc.oneof(fc.bigInt(0n, 2n ** 62n), fc.bigInt(1_700_000_000_000n, 1_700_000_100_000n)),
})
const outRecords = fc.array(outRecord, { minLength: 1, maxLength: 50 })

suite('record batch', () => {
  for (const compression of compressions) {
    test(`what is encoded is decoded, ${compression}`, () => {
      fc.assert(
        fc.property(outRecords, (records) => {
          const decoded = decode(encodeBatch(records, { compression, now: 0n }))
          assert.deepEqual(
            decoded.map(plain),
            records.map((record, i) => ({
              offset: BigInt(i),
              timestamp: record.timestamp,
              key: record.key,
              value: record.value,
              headers: record.headers,
            })),
          )
        }),
      )
    })

    test(`a batch made by Java is read, ${compression}`, () => {
      const log = Buffer.from(javaBatches[compression], 'hex')
      const batch = readBatch(log, 0)
      assert(batch)
      const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, recordCount } = batch
      assert.deepEqual(
        { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, recordCount },
        {
          baseOffset: 42n,
          lastOffset: 44n,
          producerId: 9876543210n,
          producerEpoch: 3,
          baseSequence: 17,
          recordCount: 3,
        },
      )
      assert.equal(endOffset(log), 45n)
      assert.deepEqual(decode(log).map(plain), [
        {
          offset: 42n,
          timestamp: 1700000000123n,
          key: Buffer.from('key1'),
          value: Buffer.from('value1'),
          headers: [
            ['h', Buffer.from('x')],
            ['h', null],
          ],
        },
        { offset: 43n, timestamp: 1700000000100n, key: null, value: Buffer.alloc(0), headers: [] },
        { offset: 44n, timestamp: 1800000000123n, key: Buffer.from('k'), value: null, headers: [] },
      ])
    })
  }

  test("uncompressed bytes equal Java's", () => {
    const ours = encodeBatch(
      [
        {
          timestamp: 1700000000123n,
          key: Buffer.from('key1'),
          value: Buffer.from('value1'),
          headers: [
            ['h', Buffer.from('x')],
            ['h', null],
          ],
        },
        { timestamp: 1700000000100n, key: null, value: Buffer.alloc(0) },
        { timestamp: 1800000000123n, key: Buffer.from('k'), value: null },
      ],
      { compression: 'none', now: 0n, producerId: 9876543210n, producerEpoch: 3, baseSequence: 17 },
    )
    const java = Buffer.from(javaBatches.none, 'hex')
    // The broker sets base offset and leader epoch; they are outside of the CRC.
    ours.writeBigInt64BE(42n, Field.baseOffset)
    ours.writeInt32BE(5, Field.partitionLeaderEpoch)
    assert.equal(ours.toString('hex'), java.toString('hex'))
  })

  test('the size bound of a record is never below its size', () => {
    fc.assert(
      fc.property(outRecords, (records) => {
        const bound = records.reduce((sum, record) => sum + recordSizeBound(record), 0)
        const batch = encodeBatch(records, { compression: 'none', now: 0n })
        assert(batch.length - Field.records <= bound)
      }),
    )
  })

  test('every flipped bit that the CRC covers is noticed', () => {
    const batch = encodeBatch([{ key: Buffer.from('key'), value: Buffer.from('value') }], {
      compression: 'none',
      now: 1n,
    })
    for (let bit = Field.crc * 8; bit < batch.length * 8; bit++) {
      const damaged = Buffer.from(batch)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.throws(() => readBatch(damaged, 0), CorruptBatchError, `bit ${bit}`)
    }
  })

  test('a batch that is cut off anywhere is not a batch yet', () => {
    const batch = encodeBatch([{ key: null, value: Buffer.from('value') }], { compression: 'none', now: 1n })
    for (let length = 0; length < batch.length; length++) {
      assert.equal(readBatch(batch.subarray(0, length), 0), undefined, `${length} bytes`)
    }
  })

  test('records of arbitrary bytes are refused or read within their batch, never worse', () => {
    const frame = { attributes: 0, baseTimestamp: 0n, maxTimestamp: 0n, producerId: -1n, producerEpoch: -1 }
    const damage = fc.tuple(outRecords, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }))
    fc.assert(
      fc.property(damage, ([records, changes]) => {
        const good = encodeBatch(records, { compression: 'none', now: 0n })
        const data = Buffer.from(good.subarray(Field.records))
        for (const [at, value] of changes) data[at % data.length] = value
        const batch = frameBatch(data, {
          ...frame,
          baseSequence: -1,
          lastOffsetDelta: records.length - 1,
          recordCount: records.length,
        })
        const header = readBatch(batch, 0)
        assert(header)
        try {
          for (const record of decodeAll(new RecordCursor(header, limit))) plain(record)
        } catch (error) {
          assert(error instanceof CorruptBatchError, String(error))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a record count that the offsets cannot hold is refused', () => {
    const data = Buffer.alloc(0)
    const frame = {
      baseTimestamp: 0n,
      maxTimestamp: 0n,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    }
    for (const [lastOffsetDelta, recordCount] of [
      [0, 2],
      [-1, 0],
      [5, -1],
    ] as const) {
      const batch = frameBatch(data, { ...frame, attributes: 0, lastOffsetDelta, recordCount })
      assert.throws(() => readBatch(batch, 0), CorruptBatchError)
    }
  })

  test('a batch that compaction emptied is read as no records, whatever its codec says', () => {
    for (const attributes of [0, 1, 2, 3, 4]) {
      const batch = frameBatch(Buffer.alloc(0), {
        baseOffset: 7n,
        attributes,
        lastOffsetDelta: 9,
        recordCount: 0,
        baseTimestamp: 0n,
        maxTimestamp: 0n,
        producerId: 1n,
        producerEpoch: 0,
        baseSequence: 0,
      })
      assert.deepEqual(decode(batch), [])
      assert.equal(readBatch(batch, 0)?.lastOffset, 16n)
    }
  })

  test('with LogAppendTime every record has the time of the append', () => {
    const good = encodeBatch([{ key: null, value: null, timestamp: 5n }], { compression: 'none', now: 0n })
    const batch = frameBatch(good.subarray(Field.records), {
      attributes: Attribute.logAppendTime,
      lastOffsetDelta: 0,
      recordCount: 1,
      baseTimestamp: 5n,
      maxTimestamp: 99n,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
    })
    assert.equal(decode(batch)[0]?.timestamp, 99n)
  })

  test('message formats 0 and 1 are named', () => {
    const batch = encodeBatch([{ key: null, value: null }], { compression: 'none', now: 0n })
    for (const magic of [0, 1]) {
      batch.writeInt8(magic, Field.magic)
      assert.throws(() => readBatch(batch, 0), OldFormatError)
    }
  })
})
