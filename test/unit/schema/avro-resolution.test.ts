import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { DecodeError } from '../../../src/schema/avro/errors.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { compileJsonDecoder, compileRowDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'
import { columnsFor } from '../../../src/schema/columns/columns.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { avscType } from './avro-oracle.ts'
import { named } from './avro-random.ts'

function schemaOf(json: PlainJson) {
  return parseSchema(JSON.stringify(json), 'test')
}

function record(...fields: PlainJson[]): PlainJson {
  return { type: 'record', name: 'R', fields }
}

/** The value, written with one schema and read with another, as JSON text. */
function reread(writer: PlainJson, reader: PlainJson, value: unknown): string {
  const out = new ByteWriter()
  compileJsonEncoder(schemaOf(writer))(value, out)
  return compileJsonDecoder(schemaOf(writer), schemaOf(reader))(out.copy(), 0)
}

const millis = { type: 'long', logicalType: 'timestamp-millis' }
const micros = { type: 'long', logicalType: 'timestamp-micros' }
const colors = (symbols: string[], more: object = {}) =>
  ({ type: 'enum', name: 'Color', symbols, ...more }) as PlainJson

test('numbers, text and bytes are promoted', () => {
  assert.equal(reread('int', 'long', -3), '-3')
  assert.equal(reread('int', 'double', 3), '3')
  assert.equal(reread('long', 'double', 2 ** 40), '1099511627776')
  assert.equal(reread('long', 'float', 16_777_217), '16777216')
  assert.equal(reread('float', 'double', 0.5), '0.5')
  assert.equal(reread('string', 'bytes', 'ab'), '"YWI="')
  assert.equal(reread('bytes', 'string', 'YWI='), '"ab"')
})

test('fields are found by name or alias, in any order; added ones take their default, removed ones are skipped', () => {
  const writer = record(
    { name: 'gone', type: { type: 'map', values: { type: 'array', items: 'string' } } },
    { name: 'old_name', type: 'int' },
    { name: 'kept', type: 'string' },
  )
  const reader = record(
    { name: 'kept', type: ['null', 'string'] },
    { name: 'added', type: ['null', 'long'], default: null },
    { name: 'raw', type: 'bytes', default: '\u00ff' },
    { name: 'new_name', aliases: ['old_name'], type: 'long' },
  )
  const value = { gone: { a: ['b', 'c'] }, old_name: 7, kept: 'k' }
  assert.deepEqual(JSON.parse(reread(writer, reader, value)), {
    kept: 'k',
    added: null,
    raw: '/w==',
    new_name: 7,
  })
  const columns = columnsFor(schemaOf(reader))
  const out = new ByteWriter()
  compileJsonEncoder(schemaOf(writer))(value, out)
  const decode = compileRowDecoder({ writer: schemaOf(writer), reader: schemaOf(reader), columns })
  assert.deepEqual(decode(out.copy(), 0), ['k', null, Buffer.of(255), 7n])
})

test('unions: into one, out of one, from one to another', () => {
  assert.equal(reread('int', ['null', 'string', 'long'], 5), '5')
  assert.equal(reread('string', ['bytes', 'string'], 'x'), '"x"')
  assert.equal(reread(['null', 'int'], 'long', 5), '5')
  assert.throws(() => reread(['null', 'int'], 'long', null), DecodeError)
  assert.equal(reread(['int', 'null'], ['null', 'double'], null), 'null')
  assert.throws(() => reread('string', ['null', 'int'], 'x'), DecodeError)
})

test('enum symbols that the reader lacks become its default, or an error', () => {
  assert.equal(
    reread(colors(['RED', 'PINK']), colors(['BLUE', 'RED'], { default: 'BLUE' }), 'PINK'),
    '"BLUE"',
  )
  assert.equal(reread(colors(['RED', 'PINK']), colors(['RED']), 'RED'), '"RED"')
  assert.throws(() => reread(colors(['RED', 'PINK']), colors(['RED']), 'PINK'), /no symbol PINK/)
})

test('logical types widen and never change their meaning silently', () => {
  const at = '2024-01-01T00:00:00.001Z'
  assert.equal(reread(millis, micros, at), `"${at}"`)
  assert.equal(reread(millis, 'long', at), '1704067200001')
  const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 9, scale })
  assert.throws(() => reread(micros, millis, at), DecodeError)
  assert.throws(() => reread(decimal(2), decimal(3), 1), DecodeError)
  assert.throws(() => reread({ type: 'int', logicalType: 'date' }, millis, '2024-01-01'), DecodeError)
  assert.throws(
    () => reread(millis, { type: 'long', logicalType: 'local-timestamp-millis' }, at),
    DecodeError,
  )
})

test('what cannot be read says which field and why, before the first record', () => {
  const nested = (type: string) =>
    schemaOf(record({ name: 'a', type: { type: 'record', name: 'Inner', fields: [{ name: 'b', type }] } }))
  const text = nested('string')
  const number = nested('int')
  assert.throws(() => compileJsonDecoder(text, number), {
    path: 'a.b',
    reason: 'written as string, which cannot be read as int',
  })
  assert.throws(() => compileJsonDecoder(schemaOf(record()), number), { path: 'a', reason: /no default/ })
})

test('a record that holds itself is read as a changed one', () => {
  const list = (value: PlainJson, ...more: PlainJson[]) => ({
    type: 'record',
    name: 'List',
    fields: [
      { name: 'value', type: value },
      ...more,
      { name: 'next', type: ['null', 'List'], default: null },
    ],
  })
  assert.equal(
    reread(list('int'), list('double', { name: 'new', type: 'int', default: 1 }), {
      value: 1,
      next: { value: 2 },
    }),
    '{"value":1,"next":{"value":2,"next":null,"new":1},"new":1}',
  )
})

test('a branch of a union that fails late leaves nothing behind for the next one', () => {
  const outer = (name: string, inner: PlainJson, bad: string): PlainJson => ({
    type: 'record',
    name,
    fields: [
      { name: 'x', type: inner },
      { name: 'bad', type: bad },
    ],
  })
  const inner = (back: string) => ({
    type: 'record',
    name: 'Inner',
    fields: [{ name: 'back', type: ['null', back] }],
  })
  const writer = outer('W', inner('W'), 'string')
  // Inner is first resolved inside R1, which then turns out not to fit.
  const reader = [outer('R1', inner('R1'), 'int'), outer('R2', 'Inner', 'string')]
  const end = { x: { back: null }, bad: 's' }
  assert.deepEqual(JSON.parse(reread(writer, reader, end)), end)
  assert.throws(
    () => reread(writer, reader, { x: { back: end }, bad: 's' }),
    /cannot be read as null \| record R1/,
  )
})

/** A field's type as the writer has it, and as a reader may have it. */
const evolved: fc.Arbitrary<[PlainJson, PlainJson]> = fc.constantFrom<[PlainJson, PlainJson][]>(
  ['int', 'long'],
  ['int', 'double'],
  ['float', 'double'],
  ['string', 'bytes'],
  ['string', ['null', 'string']],
  [
    ['null', 'int'],
    ['null', 'long'],
  ],
  [
    ['null', 'int', 'string'],
    ['string', 'null', 'double'],
  ],
  [colors(['A', 'B']), colors(['B', 'C', 'A'])],
  [
    { type: 'array', items: 'int' },
    { type: 'array', items: ['null', 'int'] },
  ],
  [
    { type: 'map', values: 'int' },
    { type: 'map', values: 'long' },
  ],
  ['long', 'long'],
  ['double', 'double'],
)

const added = fc.constantFrom<PlainJson[]>(
  { type: 'int', default: 3 },
  { type: ['null', 'string'], default: null },
  { type: { type: 'array', items: 'string' }, default: ['x', ''] },
  { type: { type: 'map', values: 'int' }, default: { a: 1 } },
)

test('writer and reader pairs give what avsc gives', () => {
  const fields = fc.array(fc.record({ types: evolved, removed: fc.boolean(), order: fc.nat(100) }), {
    maxLength: 6,
  })
  const run = (
    pairs: { types: [PlainJson, PlainJson]; removed: boolean; order: number }[],
    more: PlainJson[],
    seed: number,
  ) => {
    // Enums that are used twice would be defined twice.
    const rename = (type: PlainJson, i: number) =>
      JSON.parse(JSON.stringify(type).replace('Color', `Color${i}`)) as PlainJson
    const writer = named(
      record(...pairs.map(({ types }, i) => ({ name: `f${i}`, type: rename(types[0], i) }))),
    )
    const kept = pairs.map((pair, i) => ({ ...pair, i })).filter(({ removed }) => !removed)
    const reader = record(
      ...kept
        .sort((a, b) => a.order - b.order)
        .map(({ types, i }) => ({ name: `f${i}`, type: rename(types[1], i) })),
      ...more.map((field, i) => ({ name: `new${i}`, ...(field as object) })),
    )
    const out = new ByteWriter()
    const encode = compileJsonEncoder(schemaOf(writer))
    const generate = generateValues(schemaOf(writer), seed)
    const read = compileJsonDecoder(schemaOf(writer), schemaOf(reader))
    const readerAsIs = compileJsonDecoder(schemaOf(reader), schemaOf(reader))
    const readerType = avscType(reader)
    const resolver = readerType.createResolver(avscType(writer))
    for (let i = 0; i < 5; i++) {
      out.reset()
      encode(generate(i), out)
      const bytes = out.copy()
      const rewritten = readerType.toBuffer(readerType.fromBuffer(bytes, resolver))
      assert.deepEqual(JSON.parse(read(bytes, 0)), JSON.parse(readerAsIs(rewritten, 0)))
    }
  }
  fc.assert(fc.property(fields, fc.array(added, { maxLength: 3 }), fc.nat(), run), { numRuns: 200 })
})
