import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { parseJsonExact } from '../../../src/schema/avro/json-number.ts'
import { compileJsonDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { assertSame, avscType } from './avro-oracle.ts'
import { randomSchema, recursiveSchemas } from './avro-random.ts'

function checkSchema(json: PlainJson, seed: number): void {
  const schema = parseSchema(JSON.stringify(json), 'random')
  const type = avscType(json)
  const encode = compileJsonEncoder(schema)
  const decode = compileJsonDecoder(schema, schema)
  const generate = generateValues(schema, seed)
  const decimals = JSON.stringify(json).includes('"decimal"')
  const out = new ByteWriter()
  for (let i = 0; i < 10; i++) {
    const value = generate(i)
    out.reset()
    encode(value, out)
    const bytes = out.copy()
    assertSame(schema, value, type.fromBuffer(bytes))
    const text = decode(bytes, 0)
    out.reset()
    encode(parseJsonExact(text), out)
    const again = out.copy()
    assert.deepEqual(parseJsonExact(decode(again, 0)), parseJsonExact(text))
    // A decimal that was text is a number when it comes back, for which a union may have a better branch.
    if (!decimals) assert.deepEqual(again, bytes)
  }
}

test('what is encoded, avsc decodes as the same value; and our JSON text of it encodes to the same again', () => {
  fc.assert(fc.property(randomSchema, fc.maxSafeInteger(), checkSchema), { numRuns: 300 })
})

test('the same for schemas that hold themselves', () => {
  for (const json of recursiveSchemas) for (let seed = 0; seed < 50; seed++) checkSchema(json, seed)
})

test('every long is exact, as number, bigint and text', () => {
  const schema = parseSchema('"long"', 'test')
  const encode = compileJsonEncoder(schema)
  const decode = compileJsonDecoder(schema, schema)
  const type = avscType('long')
  const out = new ByteWriter()
  const check = (value: bigint) => {
    const number = Number(value)
    const forms = Number.isSafeInteger(number) ? [value, String(value), number] : [value, String(value)]
    for (const form of forms) {
      out.reset()
      encode(form, out)
      assert.equal(type.fromBuffer(out.copy()), value)
      assert.equal(decode(out.copy(), 0), String(value))
    }
  }
  for (let bits = 0n; bits < 64n; bits++) {
    for (const near of [-2n, -1n, 0n, 1n, 2n]) {
      check(BigInt.asIntN(64, 2n ** bits + near))
      check(BigInt.asIntN(64, -(2n ** bits) + near))
    }
  }
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check))
})

test('any text comes back, and its bytes are what Buffer makes of it', () => {
  const schema = parseSchema('"string"', 'test')
  const encode = compileJsonEncoder(schema)
  const decode = compileJsonDecoder(schema, schema)
  const out = new ByteWriter()
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
  )
  fc.assert(
    fc.property(text, (value) => {
      out.reset()
      encode(value, out)
      assert.equal(out.view().subarray(-Buffer.byteLength(value)).toString(), value || out.view().toString())
      assert.equal(JSON.parse(decode(out.copy(), 0)), value)
    }),
  )
})
