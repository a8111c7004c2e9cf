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
import { randomRecord, recursiveSchemas } from './avro-random.ts'

function decoder(json: PlainJson) {
  const schema = parseSchema(JSON.stringify(json), 'test')
  return compileJsonDecoder(schema, schema)
}

function decoded(json: PlainJson, ...bytes: number[]): string {
  return decoder(json)(Buffer.from(bytes), 0)
}

/** Runs the work; a DecodeError is an answer, any other error is not. */
function answered(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    assert.notEqual(error.reason, '')
  }
}

test('cut, changed and random bytes give a value or a DecodeError', () => {
  const check = (
    json: PlainJson,
    seed: number,
    cut: number,
    flips: [number, number][],
    noise: Uint8Array,
  ) => {
    const schema = parseSchema(JSON.stringify(json), 'test')
    const out = new ByteWriter()
    compileJsonEncoder(schema)(generateValues(schema, seed)(0), out)
    const asRow = compileRowDecoder({ writer: schema, reader: schema, columns: columnsFor(schema) })
    const asJson = compileJsonDecoder(schema, schema)
    const unread = compileRowDecoder({ writer: schema, reader: schema, columns: [] })
    const changed = out.copy()
    for (const [at, bits] of flips) {
      if (changed.length > 0) changed[at % changed.length] = (changed[at % changed.length] as number) ^ bits
    }
    const cutOff = out.copy().subarray(0, cut % (out.position + 1))
    for (const bytes of [changed, cutOff, Buffer.from(noise)]) {
      for (const decode of [asRow, asJson, unread]) answered(() => decode(bytes, 0))
    }
    if (cutOff.length < out.position) assert.throws(() => asJson(cutOff, 0), DecodeError)
  }
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 })
  const any = fc.oneof({ weight: 4, arbitrary: randomRecord }, fc.constantFrom(...recursiveSchemas))
  fc.assert(fc.property(any, fc.nat(), fc.nat(), flips, fc.uint8Array({ maxLength: 60 }), check), {
    numRuns: 400,
  })
})

test('counts and lengths that claim more than there is cost nothing', () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
  const claimed = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
  for (const items of ['null', 'int', { type: 'record', name: 'E', fields: [] }] as PlainJson[]) {
    assert.throws(() => decoded({ type: 'array', items }, ...huge, 0), DecodeError)
    assert.throws(() => decoded({ type: 'array', items }, ...claimed, 0), DecodeError)
    assert.throws(() => decoded({ type: 'map', values: items }, ...claimed, 0), DecodeError)
  }
  for (const type of ['string', 'bytes']) {
    assert.throws(() => decoded(type, ...claimed), /a length of 2305843009213693952 where 0 bytes are left/)
    assert.throws(() => decoded(type, 1), /a length of -1/)
  }
  // Blocks of 60,000 nulls each: bounded over the whole record.
  const block = [0xc0, 0xa9, 0x07]
  assert.throws(() => decoded({ type: 'array', items: 'null' }, ...block, ...block, 0), DecodeError)
})

test('blocks with their size in front are read', () => {
  assert.equal(decoded({ type: 'array', items: 'int' }, 3, 4, 2, 4, 2, 6, 0), '[1,2,3]')
})

test('nesting stops at 64 levels, when written and when read', () => {
  const schema = parseSchema(JSON.stringify(recursiveSchemas[0]), 'test')
  const chain = (depth: number): unknown => ({
    value: 1,
    children: [],
    next: depth === 1 ? null : chain(depth - 1),
  })
  const out = new ByteWriter()
  const encode = compileJsonEncoder(schema)
  encode(chain(63), out)
  assert.equal(JSON.parse(compileJsonDecoder(schema, schema)(out.copy(), 0)).value, 1)
  out.reset()
  assert.throws(() => encode(chain(65), out), /nested deeper than 64 levels/)
  assert.equal(out.position, 0)
  const endless = Buffer.concat([
    ...Array.from({ length: 10_000 }, () => Buffer.of(2, 2)),
    Buffer.alloc(20_000),
  ])
  assert.throws(() => compileJsonDecoder(schema, schema)(endless, 0), /nested deeper than 64 levels/)
})

test('each broken byte has its reason', () => {
  assert.throws(() => decoded('boolean', 2), /byte 2 where the schema says boolean/)
  assert.throws(() => decoded('int', 0x80), /end inside a number/)
  assert.throws(() => decoded('int', 0x80, 0x80, 0x80, 0x80, 0x20), /beyond 32 bits/)
  assert.throws(() => decoded('long', ...Array.from({ length: 9 }, () => 0xff), 2), /longer than 64 bits/)
  assert.throws(() => decoded('string', 2, 0xff), /not UTF-8/)
  assert.throws(() => decoded(['null', 'int'], 4), /branch 2 of a union of 2/)
  assert.throws(() => decoded('int', 2, 2), /1 bytes are left after the record/)
  assert.throws(
    () => decoded({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 }, 2, 100),
    /3 digits/,
  )
  assert.throws(() => decoded({ type: 'string', logicalType: 'uuid' }, 2, 97), /not a UUID/)
})

test('the path leads to the broken value', () => {
  const json = {
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type: { type: 'array', items: { type: 'map', values: 'boolean' } } }],
  }
  assert.throws(() => decoded(json, 2, 2, 4, 0x78, 0x79, 9, 0, 0), { path: 'a[0].xy', code: 'decode' })
})
