import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, InputError } from '../../../src/errors.ts'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { decimalOf } from '../../../src/schema/avro/decimal.ts'
import { DecodeError, Misfit } from '../../../src/schema/avro/errors.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { compileJsonDecoder, compileRowDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'
import { columnsFor } from '../../../src/schema/columns/columns.ts'
import { schemaChanges } from '../../../src/schema/compat/diff.ts'
import { readerProblems } from '../../../src/schema/compat/reader-check.ts'

/**
 * Small schemas and records that stand for something enormous. Without the limits each of these tests takes longer than
 * the universe, or more memory than there is: that they end is what they show.
 */

type Field = { name: string; type: unknown; default?: unknown }
const parsed = (json: unknown) => parseSchema(JSON.stringify(json), 'test')
const top = (type: unknown, rest: object = {}) => ({
  type: 'record',
  name: 'Top',
  fields: [{ name: 'f', type, ...rest }],
})

/** `levels` records, each with two fields of the one below. */
function diamond(levels: number, bottom: readonly Field[], rest: object = {}): unknown {
  let type: unknown = { type: 'record', name: 'R0', fields: bottom }
  for (let i = 1; i <= levels; i++) {
    const fields = [
      { name: 'a', type, ...rest },
      { name: 'b', type: `R${i - 1}`, ...rest },
    ]
    type = { type: 'record', name: `R${i}`, fields }
  }
  return type
}

/** `levels` records with one field: a union of the two records of the next level, called `names` and a number. */
function ladder(levels: number, names: readonly string[], bottom: unknown): unknown {
  const last = (name: string) => ({
    type: 'record',
    name: `${name}${levels}`,
    fields: [{ name: 'x', type: bottom }],
  })
  let union: unknown = names.map(last)
  for (let i = levels - 1; i >= 0; i--) {
    const again = names.map((name) => `${name}${i + 1}`)
    union = names.map((name, n) => ({
      type: 'record',
      name: `${name}${i}`,
      fields: [{ name: 'x', type: n === 0 ? union : again }],
    }))
  }
  return union
}

const bool: Field = { name: 'x', type: 'boolean' }

test('records that use each other twice, 50 levels deep, are compiled at once', () => {
  const schema = parsed(top({ type: 'array', items: diamond(50, [bool]) }))
  assert.equal(compileJsonDecoder(schema, schema)(Buffer.of(0), 0), '{"f":[]}')
  const columns = columnsFor(schema)
  assert.deepEqual(compileRowDecoder({ writer: schema, reader: schema, columns })(Buffer.of(0), 0), ['[]'])
  assert.throws(() => compileJsonDecoder(schema, schema)(Buffer.of(2, 1, 0), 0), DecodeError)
  assert.deepEqual(readerProblems(schema, schema), [])
  assert.deepEqual(schemaChanges(schema, schema), [])
})

test('2^50 records without fields take no bytes and no time', () => {
  const schema = parsed(top(diamond(50, [])))
  const skipped = parsed({ type: 'record', name: 'Top', fields: [] })
  assert.throws(() => compileJsonDecoder(schema, schema)(Buffer.alloc(0), 0), DecodeError)
  assert.throws(
    () => compileJsonDecoder(schema, skipped)(Buffer.alloc(0), 0),
    /more records, arrays and maps/,
  )
})

test('flattening stops at the columns that a table may have', () => {
  const schema = parsed(top(diamond(50, [bool])))
  assert.throws(() => columnsFor(schema, { flatten: true }), ConfigError)
  const wide = parsed({
    type: 'record',
    name: 'Wide',
    fields: Array.from({ length: 10_000 }, (_, i) => ({ name: `f${i}`, type: 'int' })),
  })
  assert.throws(() => columnsFor(wide), /more than 4096 columns/)
})

test('defaults of defaults stop at 65,536 records', () => {
  const withDefaults = diamond(50, [{ ...bool, default: true }], { default: {} })
  const reader = parsed(top(withDefaults, { default: {} }))
  const writer = parsed({ type: 'record', name: 'Top', fields: [] })
  assert.throws(() => compileJsonDecoder(writer, reader), DecodeError)
  assert.throws(() => compileJsonEncoder(reader), InputError)
})

test('unions in unions that fit in none of 2^40 ways', () => {
  const reader = parsed(top(ladder(40, ['X', 'Y'], 'boolean')))
  let one: unknown = { type: 'record', name: 'W40', fields: [{ name: 'x', type: 'int' }] }
  for (let i = 39; i >= 0; i--) one = { type: 'record', name: `W${i}`, fields: [{ name: 'x', type: one }] }
  assert.throws(() => compileJsonDecoder(parsed(top(one)), reader), /too many ways/)
  let value: unknown = { x: 'neither' }
  for (let i = 0; i < 40; i++) value = { x: value }
  assert.throws(() => compileJsonEncoder(reader)({ f: value }, new ByteWriter()), /too many ways/)
})

test('a long default in each of many items makes no text and no bytes without end', () => {
  const items = (fields: Field[]) => top({ type: 'array', items: { type: 'record', name: 'I', fields } })
  const long: Field = { name: 'd', type: 'string', default: 'x'.repeat(900_000) }
  const writer = parsed(items([bool]))
  const reader = parsed(items([bool, long]))
  const out = new ByteWriter()
  out.long(100_000)
  out.bytes(Buffer.alloc(100_000, 1))
  out.long(0)
  const columns = columnsFor(reader)
  assert.throws(() => compileJsonDecoder(writer, reader)(out.copy(), 0), /its JSON text would be longer/)
  assert.throws(
    () => compileRowDecoder({ writer, reader, columns })(out.copy(), 0),
    /its JSON text would be longer/,
  )
  const many = { f: Array.from({ length: 100_000 }, () => ({ x: true })) }
  assert.throws(() => compileJsonEncoder(reader)(many, new ByteWriter()), /more than 268435456 bytes/)
})

test('the columns of one row share its text', () => {
  const writer = parsed({ type: 'record', name: 'T', fields: [bool] })
  const fields = Array.from({ length: 20 }, (_, i) => ({
    name: `f${i}`,
    type: { type: 'map', values: 'string' },
    default: { a: 'x'.repeat(60_000) },
  }))
  const reader = parsed({ type: 'record', name: 'T', fields: [bool, ...fields] })
  // Constants are made once and shared by all rows: they are no text of the row.
  const row = compileRowDecoder({ writer, reader, columns: columnsFor(reader) })(Buffer.of(1), 0)
  assert.equal(row.length, 21)
  const twice = parsed({
    type: 'record',
    name: 'T',
    fields: ['a', 'b'].map((name) => ({
      name,
      type: {
        type: 'array',
        items: { type: 'record', name: `L${name}`, fields: [{ name: 'x'.repeat(10_000), type: 'boolean' }] },
      },
    })),
  })
  const one = [10, 1, 1, 1, 1, 1, 0]
  const decode = compileRowDecoder({ writer: twice, reader: twice, columns: columnsFor(twice) })
  assert.equal(decode(Buffer.from([...one, 0]), 0).length, 2)
  assert.throws(() => decode(Buffer.from([...one, ...one]), 0), DecodeError)
})

test('field names of ordinary length never reach the limit of the text', () => {
  const name = 'a_boolean_with_a_rather_long_name_as_generated_code_has_them_00000000000000000000000000000000'
  const schema = parsed(
    top({ type: 'array', items: { type: 'record', name: 'I', fields: [{ name, type: 'boolean' }] } }),
  )
  const out = new ByteWriter()
  out.long(500_000)
  out.bytes(Buffer.alloc(500_000, 1))
  out.long(0)
  assert(compileJsonDecoder(schema, schema)(out.copy(), 0).length > 45_000_000)
})

test('a decimal of a million bytes is refused before its digits are made', () => {
  assert.throws(() => decimalOf(Buffer.alloc(1_000_000, 1), 2_000_000_000, 4), Misfit)
  assert.throws(() => decimalOf(Buffer.of(1), 2_000_000_000, 1_000_000_000), Misfit)
  assert.equal(decimalOf(Buffer.concat([Buffer.alloc(1_000_000, 0xff), Buffer.of(0x80)]), 20, 4), '-0.0128')
  assert.equal(decimalOf(Buffer.alloc(40, 0x7f), 97, 0).length, 97)
})
