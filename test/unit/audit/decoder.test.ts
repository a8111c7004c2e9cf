import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AvscTypes } from '../../../src/audit/avsc-type.ts'
import { decoderOf } from '../../../src/audit/decoder.ts'
import { Unreadable } from '../../../src/audit/unreadable.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'

const decoder = (schema: object) => decoderOf(parseSchema(JSON.stringify(schema), 'test'), new AvscTypes())
const message = (...bytes: number[]) => Buffer.from([0, 0, 0, 0, 1, ...bytes])

test('bytes that claim two billion items are unreadable, and cost nothing', () => {
  const claim = [0xfe, 0xff, 0xff, 0xff, 0x0f]
  for (const items of ['null', 'int', { type: 'record', name: 'E', fields: [] }])
    assert.throws(() => decoder({ type: 'array', items })(message(...claim)), Unreadable)
  assert.throws(() => decoder({ type: 'map', values: 'null' })(message(...claim)), Unreadable)
})

test('bytes that end early, go on, or name no branch are unreadable', () => {
  const record = decoder({ type: 'record', name: 'R', fields: [{ name: 'a', type: ['null', 'string'] }] })
  assert.deepEqual({ ...(record(message(0)) as object) }, { f0: null })
  for (const bytes of [[], [2], [2, 8, 97], [0, 0], [4, 0]])
    assert.throws(() => record(message(...bytes)), Unreadable)
})

test('longs are exact, and names of the schema mean nothing', () => {
  const schema = {
    type: 'record',
    name: 'constructor',
    fields: [
      { name: '__proto__', type: 'long' },
      { name: 'toString', type: ['null', { type: 'enum', name: 'E', symbols: ['hasOwnProperty'] }] },
    ],
  }
  const min = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
  assert.deepEqual(
    JSON.stringify(decoder(schema)(message(...min, 0)), (_, v) => (typeof v === 'bigint' ? String(v) : v)),
    '{"f0":"-9223372036854775808","f1":null}',
  )
})
