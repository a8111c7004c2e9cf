import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { DecodeError } from '../../../src/schema/avro/errors.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { parseJsonExact } from '../../../src/schema/avro/json-number.ts'
import { compileJsonDecoder, compileRowDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { type AvroSchema, parseSchema } from '../../../src/schema/avro-schema.ts'
import { columnsFor } from '../../../src/schema/columns/columns.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'
import type { ColumnSpec } from '../../../src/schema/table-spec.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { randomRecord, recursiveSchemas } from './avro-random.ts'

function schemaOf(json: PlainJson): AvroSchema {
  return parseSchema(JSON.stringify(json), 'test')
}

function recordOf(...fields: PlainJson[]): AvroSchema {
  return schemaOf({ type: 'record', name: 'R', fields })
}

function encoded(schema: AvroSchema, value: unknown): Buffer {
  const out = new ByteWriter()
  compileJsonEncoder(schema)(value, out)
  return out.copy()
}

function rowOf(schema: AvroSchema, value: unknown, flatten = false) {
  const columns = columnsFor(schema, { flatten })
  return compileRowDecoder({ writer: schema, reader: schema, columns })(encoded(schema, value), 0)
}

/** What Avro says a logical type is stored as: the column's value, made by hand. */
test('each type has the SqlValue that table-spec.ts says', () => {
  const cases: [type: PlainJson, json: unknown, sql: unknown][] = [
    ['boolean', true, true],
    ['int', -5, -5],
    ['long', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['long', 7, 7n],
    ['float', 1.5, 1.5],
    ['double', 'NaN', Number.NaN],
    ['string', 'Zoë 🎉', 'Zoë 🎉'],
    ['bytes', '3q2+7w==', Buffer.from('deadbeef', 'hex')],
    [{ type: 'fixed', name: 'F', size: 2 }, 'AQI=', Buffer.of(1, 2)],
    [{ type: 'enum', name: 'E', symbols: ['X', 'Y'] }, 'Y', 'Y'],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 },
      '-123456789012345678.9',
      '-123456789012345678.90',
    ],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 3 }, -0.01, '-0.010'],
    [{ type: 'fixed', name: 'D', size: 9, logicalType: 'decimal', precision: 20, scale: 0 }, 256, '256'],
    [
      { type: 'string', logicalType: 'uuid' },
      'A8098C1A-F86E-11DA-BD1A-00112444BE1E',
      'a8098c1a-f86e-11da-bd1a-00112444be1e',
    ],
    [
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      'a8098c1a-f86e-11da-bd1a-00112444be1e',
      'a8098c1a-f86e-11da-bd1a-00112444be1e',
    ],
    [{ type: 'int', logicalType: 'date' }, '1969-12-31', -1],
    [{ type: 'int', logicalType: 'time-millis' }, '00:00:01.5', 1_500_000n],
    [{ type: 'long', logicalType: 'time-micros' }, '23:59:59.999999', 86_399_999_999n],
    [{ type: 'long', logicalType: 'timestamp-millis' }, '1970-01-01T01:00:00.001+01:00', 1000n],
    [
      { type: 'long', logicalType: 'timestamp-micros' },
      '9999-12-31T23:59:59.999999Z',
      253_402_300_799_999_999n,
    ],
    [{ type: 'long', logicalType: 'local-timestamp-micros' }, '1969-12-31 23:59:59.999999', -1n],
    [{ type: 'long', logicalType: 'timestamp-nanos' }, '1970-01-01T00:00:00.000000001Z', 1n],
    [{ type: 'array', items: 'int' }, [1, 2], '[1,2]'],
    [{ type: 'map', values: 'long' }, { 'a"b': 2n ** 60n }, '{"a\\"b":1152921504606846976}'],
    [['null', 'int'], null, null],
    [['int', 'null'], 3, 3],
    [['null', 'int', 'string'], 'x', '"x"'],
    [['null', 'int', 'string'], null, null],
  ]
  for (const [type, json, sql] of cases) {
    assert.deepEqual(rowOf(recordOf({ name: 'a', type }), { a: json }), [sql], JSON.stringify(type))
  }
})

test('JSON text keeps what a double or a Date would lose, under the original names', () => {
  const inner = {
    type: 'record',
    name: 'I',
    fields: [
      { name: 'US_Gross', originalName: 'US Gross', type: 'long' },
      { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 4 } },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'raw', type: 'bytes' },
      { name: 'x', type: 'double' },
    ],
  }
  const value = {
    'US Gross': 9007199254740993n,
    price: '12345678901234567890.1234',
    at: '2024-02-29T12:00:00.123456+02:00',
    raw: '/w==',
    x: 'Infinity',
  }
  assert.deepEqual(rowOf(recordOf({ name: 'i', type: inner }), { i: value }), [
    '{"US Gross":9007199254740993,"price":12345678901234567890.1234,"at":"2024-02-29T10:00:00.123456Z","raw":"/w==","x":"Infinity"}',
  ])
})

test('flattened columns take their values from below; a null record makes all of them null, also in a row used again', () => {
  const point = {
    type: 'record',
    name: 'P',
    fields: [
      { name: 'x', type: 'int' },
      { name: 'y', type: 'int' },
    ],
  }
  const schema = recordOf({ name: 'id', type: 'int' }, { name: 'at', type: ['null', point] })
  const columns = columnsFor(schema, { flatten: true })
  assert.deepEqual(
    columns.map(({ name, nullable }) => [name, nullable]),
    [
      ['id', false],
      ['at_x', true],
      ['at_y', true],
    ],
  )
  const decode = compileRowDecoder({ writer: schema, reader: schema, columns })
  const row = decode(encoded(schema, { id: 1, at: { x: 2, y: 3 } }), 0)
  assert.deepEqual(row, [1, 2, 3])
  assert.deepEqual(decode(encoded(schema, { id: 4, at: null }), 0, row), [4, null, null])
})

test('key and value fill one row, each its own columns', () => {
  const key = schemaOf('long')
  const value = recordOf(
    { name: 'a', type: 'string' },
    { name: 'unused', type: { type: 'array', items: 'string' } },
  )
  const columns: ColumnSpec[] = [
    ...columnsFor(key, { from: 'key', name: 'id' }),
    ...columnsFor(value).filter((column) => column.name === 'a'),
  ]
  const decodeKey = compileRowDecoder({ writer: key, reader: key, columns, from: 'key' })
  const decodeValue = compileRowDecoder({ writer: value, reader: value, columns })
  const row = decodeValue(Buffer.concat([Buffer.alloc(5), encoded(value, { a: 'x', unused: ['y', 'z'] })]), 5)
  assert.deepEqual(decodeKey(encoded(key, 5), 0, row), [5n, 'x'])
})

test('a row holds the same values as the JSON text of the record, for any schema, flat or not', () => {
  const check = (json: PlainJson, seed: number, flatten: boolean) => {
    const schema = schemaOf(json)
    const columns = columnsFor(schema, { flatten })
    const decode = compileRowDecoder({ writer: schema, reader: schema, columns })
    const asJson = compileJsonDecoder(schema, schema)
    const generate = generateValues(schema, seed)
    for (let i = 0; i < 5; i++) {
      const bytes = encoded(schema, generate(i))
      const row = decode(bytes, 0)
      const record = parseJsonExact(asJson(bytes, 0)) as Record<string, unknown>
      columns.forEach((column, index) => {
        const below = valueAt(schema, record, column.source.path)
        if (column.type.kind !== 'json') assert.equal(row[index] === null, below === null)
        else assert.deepEqual(row[index] === null ? null : parseJsonExact(row[index] as string), below)
        if (column.type.kind === 'string' || column.type.kind === 'int32') assert.equal(row[index], below)
        if (column.type.kind === 'bytes' && below !== null) {
          assert.equal((row[index] as Buffer).toString('base64'), below)
        }
        if (!column.nullable) assert.notEqual(row[index], null)
      })
    }
  }
  fc.assert(fc.property(randomRecord, fc.nat(), fc.boolean(), check), { numRuns: 150 })
  for (const json of recursiveSchemas) for (let seed = 0; seed < 20; seed++) check(json, seed, seed % 2 === 0)
})

/** The JSON value at a path of Avro names. */
function valueAt(schema: AvroSchema, value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined || value === null) return value
  const record = schema.type === 'union' ? schema.branches.find((branch) => branch.type === 'record') : schema
  assert.equal(record?.type, 'record')
  const field =
    record?.type === 'record' ? record.fields.find((candidate) => candidate.name === name) : undefined
  assert.ok(field)
  return valueAt(field.type, (value as Record<string, unknown>)[field.originalName], rest)
}

test('a column that its field does not fit is refused before the first record', () => {
  const schema = recordOf({ name: 'a', type: { type: 'long', logicalType: 'timestamp-micros' } })
  const [column] = columnsFor(schema) as [ColumnSpec]
  const wrong: ColumnSpec[] = [
    { ...column, type: { kind: 'timestamp', zoned: true, precision: 3 } },
    { ...column, type: { kind: 'timestamp', zoned: false, precision: 6 } },
    { ...column, type: { kind: 'int32' } },
    { ...column, source: { from: 'value', path: ['b'] } },
    { ...column, source: { from: 'value', path: ['a', 'b'] } },
  ]
  for (const one of wrong) {
    assert.throws(() => compileRowDecoder({ writer: schema, reader: schema, columns: [one] }), DecodeError)
  }
})
