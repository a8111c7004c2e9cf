import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../../src/errors.ts'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { type AvroSchema, parseSchema } from '../../../src/schema/avro-schema.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { randomSchema, recursiveSchemas } from '../schema/avro-random.ts'

function schemaOf(json: PlainJson): AvroSchema {
  return parseSchema(JSON.stringify(json), 'test')
}

const everyType = schemaOf({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'text', type: 'string' },
    { name: 'maybe', type: ['null', 'string'] },
    { name: 'x', type: 'double' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'sub', type: { type: 'record', name: 'S', fields: [{ name: 'code', type: 'string' }] } },
  ],
})

test('a record depends on schema, seed and index only', () => {
  const check = (json: PlainJson, seed: number, index: number) => {
    const one = generateValues(schemaOf(json), seed)
    const other = generateValues(schemaOf(json), seed)
    for (let i = 0; i < 5; i++) one(i)
    assert.deepEqual(one(index), other(index))
  }
  fc.assert(fc.property(randomSchema, fc.maxSafeInteger(), fc.maxSafeInteger().map(Math.abs), check))
})

test('seeds and indexes give different records', () => {
  const records = new Set<string>()
  for (const seed of [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1]) {
    const generate = generateValues(everyType, seed)
    for (const index of [0, 1, 2, 2 ** 32, 2 ** 33]) {
      records.add(JSON.stringify(generate(index), (_, v) => (typeof v === 'bigint' ? String(v) : v)))
    }
  }
  assert.equal(records.size, 30)
})

test('every schema gets values that fit it, those that hold themselves too', () => {
  const out = new ByteWriter()
  const check = (json: PlainJson, seed: number) => {
    const schema = schemaOf(json)
    const encode = compileJsonEncoder(schema)
    const generate = generateValues(schema, seed)
    for (let i = 0; i < 10; i++) {
      out.reset()
      encode(generate(i), out)
    }
  }
  fc.assert(fc.property(randomSchema, fc.maxSafeInteger(), check), { numRuns: 200 })
  for (const json of recursiveSchemas) for (let seed = 0; seed < 100; seed++) check(json, seed)
})

test('values are such as databases can hold, with nulls and extremes among them', () => {
  const generate = generateValues(everyType, 7)
  const records = Array.from({ length: 5000 }, (_, i) => generate(i) as Record<string, unknown>)
  const texts = new Set(records.map((record) => record.text))
  for (const awkward of ['', '🎉🚀', 'tab\there', 'back\\slash', 'line\nbreak']) assert.ok(texts.has(awkward))
  const ids = new Set(records.map((record) => record.id))
  assert.ok(ids.has(2n ** 63n - 1n) && ids.has(-(2n ** 63n)))
  const nulls = records.filter((record) => record.maybe === null).length
  assert.ok(nulls > 350 && nulls < 650, `${nulls} nulls of 5000`)
  for (const { text, x, at, day } of records) {
    assert.ok(!String(text).includes('\0') && Number.isFinite(x))
    for (const time of [at, day]) assert.match(String(time), /^(19[789]\d|20\d\d|2100)-/)
  }
})

test('a unique field has another value in each record', () => {
  const generate = generateValues(everyType, 1, { unique: ['id', 'sub.code', 'at', 'day'] })
  const seen = new Map<string, Set<unknown>>(['id', 'code', 'at', 'day'].map((name) => [name, new Set()]))
  for (let i = 0; i < 1000; i++) {
    const record = generate(i) as { id: number; at: string; day: string; sub: { code: string } }
    for (const [name, value] of Object.entries({ ...record, code: record.sub.code }))
      seen.get(name)?.add(value)
  }
  for (const [name, values] of seen) assert.equal(values.size, 1000, name)
})

test('what cannot be unique, or does not exist, is refused', () => {
  const enums = schemaOf({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
      { name: 'b', type: 'boolean' },
    ],
  })
  const generate = generateValues(enums, 1, { unique: ['e'] })
  assert.deepEqual((generate(1) as { e: string }).e, 'B')
  assert.throws(() => generate(2), /enum E has only 2 different values/)
  assert.throws(() => generateValues(enums, 1, { unique: ['b'] }), UsageError)
  assert.throws(() => generateValues(enums, 1, { unique: ['nope'] }), UsageError)
})

test('a schema that no finite value fits is refused', () => {
  const endless = schemaOf({ type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] })
  assert.throws(() => generateValues(endless, 1), /no finite value fits/)
})
