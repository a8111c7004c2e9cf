import assert from 'node:assert/strict'
import avsc from 'avsc'
import { type AvroSchema, isNamed } from '../../../src/schema/avro-types.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'

/** avsc as the other opinion on Avro binary: every long a bigint, every union value wrapped in its branch's name. */
export function avscType(json: PlainJson): avsc.Type {
  const long = avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(value)
      return buffer
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  })
  const options = { registry: { long }, wrapUnions: 'always' as const }
  return avsc.Type.forSchema(withoutAttributes(json) as avsc.Schema, options)
}

/** avsc takes the registry's long only for a plain "long". */
function withoutAttributes(json: PlainJson): PlainJson {
  if (Array.isArray(json)) return json.map(withoutAttributes)
  if (typeof json !== 'object' || json === null) return json
  const { type } = json as { type?: PlainJson }
  // A field of type long has a name, the type itself none.
  if (type === 'long' && !('name' in json)) return type
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, withoutAttributes(value)]))
}

/** Fails unless avsc's value `raw` is what the JSON value `json` means; worked out without the code under test. */
export function assertSame(schema: AvroSchema, json: unknown, raw: unknown): void {
  switch (schema.type) {
    case 'union': {
      if (raw === null) {
        assert.equal(json, null)
        return
      }
      const [name, inner] = Object.entries(raw as object)[0] as [string, unknown]
      const branch = schema.branches.find((b) => (isNamed(b) ? b.fullName : b.type) === name)
      assert.ok(branch)
      assertSame(branch, json, inner)
      return
    }
    case 'array':
      assert.equal((raw as unknown[]).length, (json as unknown[]).length)
      for (const [i, item] of (json as unknown[]).entries())
        assertSame(schema.items, item, (raw as unknown[])[i])
      return
    case 'map':
      assert.deepEqual(Object.keys(raw as object), Object.keys(json as object))
      for (const [key, item] of Object.entries(json as object)) {
        assertSame(schema.values, item, (raw as Record<string, unknown>)[key])
      }
      return
    case 'record':
      for (const field of schema.fields) {
        const item = (json as Record<string, unknown>)[field.originalName]
        assertSame(field.type, item, (raw as Record<string, unknown>)[field.name])
      }
      return
    default:
      assert.deepEqual(raw, rawOf(schema, json))
  }
}

function rawOf(schema: AvroSchema, json: unknown): unknown {
  const logical = 'logical' in schema ? schema.logical?.name : undefined
  switch (logical) {
    case 'decimal':
      return twosComplement(
        BigInt(decimalDigits(schema, json)),
        schema.type === 'fixed' ? schema.size : undefined,
      )
    case 'uuid':
      return schema.type === 'fixed' ? Buffer.from(String(json).replaceAll('-', ''), 'hex') : json
    case 'date':
      return Date.parse(`${json}T00:00:00Z`) / 86_400_000
    case 'time-millis':
      return Number(units(`1970-01-01T${json}Z`, 3))
    case 'time-micros':
      return units(`1970-01-01T${json}Z`, 6)
    case undefined:
    case 'duration':
      break
    default:
      return units(
        `${String(json).replace('Z', '')}Z`,
        logical.endsWith('millis') ? 3 : logical.endsWith('micros') ? 6 : 9,
      )
  }
  switch (schema.type) {
    case 'long':
      return BigInt(json as number)
    case 'float':
      return Math.fround(json as number)
    case 'bytes':
    case 'fixed':
      return Buffer.from(String(json), 'base64')
    case 'string':
      return String(json)
    default:
      return json
  }
}

/** `2024-02-03T04:05:06.789Z` in units of 10^-places seconds. */
function units(text: string, places: number): bigint {
  const [seconds = '', fraction = ''] = text.slice(0, -1).split('.')
  return (
    BigInt(Date.parse(`${seconds}Z`) / 1000) * 10n ** BigInt(places) + BigInt(fraction.padEnd(places, '0'))
  )
}

function decimalDigits(schema: AvroSchema, json: unknown): string {
  const scale = 'logical' in schema && schema.logical?.name === 'decimal' ? schema.logical.scale : 0
  const [whole = '', fraction = ''] = plainNumber(String(json)).split('.')
  assert.match(fraction.slice(scale), /^0*$/)
  return whole + fraction.padEnd(scale, '0').slice(0, scale)
}

/** `1.5e+21` without the exponent. */
function plainNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent] =
    /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (exponent === undefined) return text
  const point = whole.length + Number(exponent)
  const digits = (whole + fraction).padStart(whole.length + fraction.length + Math.max(0, -point), '0')
  const at = Math.max(0, point)
  return `${sign}${digits.slice(0, at).padEnd(at, '0') || '0'}.${digits.slice(at)}`
}

function twosComplement(value: bigint, size: number | undefined): Buffer {
  let bytes = size ?? 1
  while (value >= 2n ** BigInt(bytes * 8 - 1) || value < -(2n ** BigInt(bytes * 8 - 1))) bytes++
  const hex = BigInt.asUintN(bytes * 8, value).toString(16)
  return Buffer.from(hex.padStart(bytes * 2, '0'), 'hex')
}
