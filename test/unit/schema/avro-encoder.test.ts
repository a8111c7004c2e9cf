import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { RecordError } from '../../../src/schema/avro/errors.ts'
import { compileJsonEncoder, type JsonEncoderOptions } from '../../../src/schema/avro/json-encoder.ts'
import { parseJsonExact } from '../../../src/schema/avro/json-number.ts'
import { compileJsonDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'
import { JsonNumber, type PlainJson } from '../../../src/schema/json-text.ts'

function encoded(json: PlainJson, value: unknown, options: JsonEncoderOptions = {}): Buffer {
  const out = new ByteWriter()
  compileJsonEncoder(parseSchema(JSON.stringify(json), 'test'), options)(value, out)
  return out.copy()
}

/** The value as it comes back, in JSON text. */
function there(json: PlainJson, value: unknown, options: JsonEncoderOptions = {}): string {
  const schema = parseSchema(JSON.stringify(json), 'test')
  return compileJsonDecoder(schema, schema)(encoded(json, value, options), 0)
}

const record = (...fields: PlainJson[]): PlainJson => ({ type: 'record', name: 'com.exam.R', fields })
const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const micros = { type: 'long', logicalType: 'timestamp-micros' }
const millis = { type: 'long', logicalType: 'timestamp-millis' }
const local = { type: 'long', logicalType: 'local-timestamp-micros' }
const date = { type: 'int', logicalType: 'date' }

test('the bytes are those of the Avro specification', () => {
  const bytes: [schema: PlainJson, value: unknown, hex: string][] = [
    ['long', 64, '8001'],
    ['long', -64, '7f'],
    ['int', 2 ** 31 - 1, 'feffffff0f'],
    ['long', 2n ** 63n - 1n, 'feffffffffffffffff01'],
    ['long', -(2n ** 63n), 'ffffffffffffffffff01'],
    ['string', 'foo', '06666f6f'],
    [{ type: 'array', items: 'long' }, [3, 27], '04063600'],
    [['null', 'string'], null, '00'],
    [['null', 'string'], 'a', '020261'],
    [decimal(10, 2), '1.28', '040080'],
    [decimal(10, 2), -1.28, '0280'],
    [record({ name: 'a', type: 'long' }, { name: 'b', type: 'string' }), { b: 'foo', a: 27 }, '3606666f6f'],
  ]
  for (const [schema, value, hex] of bytes) assert.equal(encoded(schema, value).toString('hex'), hex)
})

test('a value that does not fit is refused, with the reason in plain words', () => {
  const refused: [schema: PlainJson, value: unknown, reason: RegExp][] = [
    ['null', 0, /expected null, found 0/],
    ['boolean', 'true', /expected true or false, found "true"/],
    ['int', 2 ** 31, /beyond 32 bits/],
    ['int', 1.5, /expected a whole number, found 1.5/],
    ['int', '', /expected a whole number/],
    ['long', 2 ** 53, /rounded to a double/],
    ['long', 2n ** 63n, /beyond 64 bits/],
    ['long', '9223372036854775808', /beyond 64 bits/],
    ['long', new JsonNumber('1.0000000000000000001'), /19 decimal places/],
    ['float', 1e39, /range of a float/],
    ['double', new JsonNumber('1e400'), /range of a double/],
    ['double', 'abc', /expected a number, found "abc"/],
    ['string', { a: 1 }, /expected a string, found an object with "a"/],
    ['string', 'x\ud800', /half of a surrogate pair/],
    ['bytes', 'YQ', /not base64/],
    ['bytes', 'YR==', /not base64/],
    ['bytes', 'Y-_=', /not base64/],
    [{ type: 'fixed', name: 'F', size: 2 }, 'AQ==', /1 bytes where the schema's fixed F has 2/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'C', /"C" is no symbol of enum E \(A, B\)/],
    [decimal(4, 2), '123.4', /3 digits before the point where the schema holds 2/],
    [decimal(4, 2), 0.125, /3 decimal places where the schema says 2/],
    [decimal(4, 2), '1e999999999', /digits before the point/],
    [decimal(4, 2), '1,5', /not a decimal number/],
    [{ type: 'string', logicalType: 'uuid' }, 'a8098c1af86e11dabd1a00112444be1e', /not a UUID/],
    [date, '2023-02-29', /not a day of the calendar/],
    [date, '2023-2-9', /not a date/],
    [{ type: 'int', logicalType: 'time-millis' }, '24:00:00', /not a time of day/],
    [{ type: 'int', logicalType: 'time-millis' }, 86_400_000, /not within one day/],
    [micros, '2024-01-01T00:00:00', /has no zone/],
    [local, '2024-01-01T00:00:00Z', /has a zone where the schema says local/],
    [millis, '2024-01-01T00:00:00.0001Z', /4 digits of a second where the schema holds 3/],
    [micros, 'yesterday', /not an ISO 8601 timestamp/],
    [micros, '2024-01-01T23:59:60Z', /not a time of day/],
    [{ type: 'array', items: 'int' }, {}, /expected an array, found an empty object/],
    [{ type: 'map', values: 'int' }, [1], /expected an object \(map\), found an array of 1/],
    [record(), 5, /expected an object, found 5/],
    [['int', 'string'], null, /null where the schema says int \| string/],
    [['null', 'int', 'boolean'], 'x', /"x" is none of int \| boolean/],
  ]
  for (const [schema, value, reason] of refused) {
    assert.throws(
      () => encoded(schema, value),
      (error) => error instanceof RecordError && reason.test(error.reason),
      `${JSON.stringify(schema)} ← ${String(value)}`,
    )
  }
})

test('the path leads to the value, and the writer is as it was before', () => {
  const schema = record({
    name: 'features',
    type: {
      type: 'array',
      items: { type: 'record', name: 'G', fields: [{ name: 'a', originalName: 'a b', type: 'int' }] },
    },
  })
  const encode = compileJsonEncoder(parseSchema(JSON.stringify(schema), 'test'))
  const out = new ByteWriter()
  encode({ features: [] }, out)
  const good = out.copy()
  const bad = { features: [{ 'a b': 1 }, { 'a b': 'x' }] }
  assert.throws(() => encode(bad, out), { path: 'features[1]["a b"]', code: 'bad_record', exitCode: 2 })
  assert.deepEqual(out.copy(), good)
})

test('missing fields take their default, or null; unknown ones are refused unless ignored', () => {
  const schema = record(
    { name: 'a', type: 'int', default: 5 },
    { name: 'b', type: ['null', 'string'] },
    { name: 'c', type: { type: 'map', values: 'bytes' }, default: { k: '\u00ff' } },
    { name: 'constructor', type: ['int', 'null'] },
  )
  assert.equal(there(schema, {}), '{"a":5,"b":null,"c":{"k":"/w=="},"constructor":null}')
  assert.throws(() => encoded(record({ name: 'a', type: 'int' }), {}), { path: 'a', reason: /missing/ })
  assert.throws(() => encoded(schema, { z: 1 }), { path: 'z', reason: /no such field/ })
  assert.equal(there(schema, { z: 1, a: 2 }, { unknownFields: 'ignore' }).slice(0, 6), '{"a":2')
})

test('numbers may be text, and text may be a number where the schema says string', () => {
  assert.equal(there('int', '-12'), '-12')
  assert.equal(there('double', '1e3'), '1000')
  assert.equal(there('string', 1941), '"1941"')
  assert.equal(there('string', true), '"true"')
  assert.equal(there('string', new JsonNumber('1.10000000000000000001')), '"1.10000000000000000001"')
})

test('cells: booleans are text, the empty cell is null where no string could be meant', () => {
  assert.equal(there('boolean', 'true', { cells: true }), 'true')
  assert.equal(there(['null', 'int'], '', { cells: true }), 'null')
  assert.equal(there(['null', 'string'], '', { cells: true }), '""')
  assert.throws(() => there(['null', 'int'], ''), RecordError)
})

test('a union takes the branch that suits the value best', () => {
  const cases: [union: PlainJson[], value: unknown, branch: number][] = [
    [['null', 'double', 'long', 'int'], 5, 3],
    [['null', 'double', 'long', 'int'], 2 ** 40, 2],
    [['null', 'double', 'long', 'int'], 0.5, 1],
    [['string', 'boolean'], true, 1],
    [['bytes', 'string'], 'YQ==', 1],
    [['string', micros], '2024-01-01T00:00:00Z', 1],
    [['string', { type: 'enum', name: 'E', symbols: ['A'] }], 'A', 1],
    [['string', { type: 'enum', name: 'E', symbols: ['A'] }], 'B', 0],
    [
      [
        { type: 'map', values: 'int' },
        { type: 'array', items: 'int' },
      ],
      [1],
      1,
    ],
    [['string', 'int'], 1.5, 0],
    [['string', 'null'], { string: 'x' }, 0],
    [['string', 'long'], { long: 5 }, 1],
    [['string', { type: 'map', values: 'string' }], { string: 'x' }, 1],
    [[record({ name: 'a', type: ['null', 'int'] }), { type: 'map', values: 'int' }], { b: 1 }, 1],
    [[record({ name: 'a', type: ['null', 'int'] }), { type: 'map', values: 'int' }], { a: 1 }, 0],
    [['null', record({ name: 'a', type: 'int' })], { 'com.exam.R': { a: 1 } }, 1],
  ]
  for (const [union, value, branch] of cases) {
    assert.equal(encoded(union, value)[0], branch * 2, `${JSON.stringify(union)} ← ${JSON.stringify(value)}`)
  }
})

test('JSON is parsed without loss of digits, and only then slower', () => {
  const text =
    '{"id":9007199254740993,"price":0.1000000000000000055511151231257827,"x":0.30000000000000004,"big":1e400,"small":1e-400,"zero":-0.0,"year":2024}'
  assert.deepEqual(parseJsonExact(text), {
    id: 9007199254740993n,
    price: new JsonNumber('0.1000000000000000055511151231257827'),
    x: 0.30000000000000004,
    big: new JsonNumber('1e400'),
    small: new JsonNumber('1e-400'),
    zero: -0,
    year: 2024,
  })
  assert.deepEqual(parseJsonExact('[1.50,"12345678901234567890"]'), [1.5, '12345678901234567890'])
  const price = record({ name: 'p', type: decimal(38, 34) })
  const exact = '{"p":0.1000000000000000055511151231257827}'
  assert.equal(there(price, parseJsonExact(exact)), exact)
  assert.throws(() => parseJsonExact('{"a":12345678901234567890,}'), SyntaxError)
})

test('an object whose fields have the names of methods is a bad record like any other', () => {
  for (const text of ['{"constructor":1,"toString":1}', '{"__proto__":null,"toString":null}']) {
    assert.throws(() => encoded('boolean', parseJsonExact(text)), RecordError, text)
  }
  assert.throws(() => encoded('boolean', Object.create(null)), RecordError)
})
