import type { AvroEnum, AvroFixed, AvroPrimitive, LogicalType } from '../avro-types.ts'
import { JsonNumber } from '../json-text.ts'
import type { ByteWriter } from './byte-writer.ts'
import { twosComplement, unscaledOf } from './decimal.ts'
import { Misfit, shown } from './errors.ts'
import { type FractionDigits, parseDate, parseTime, parseTimestamp } from './temporal.ts'

/** Writes a value or throws Misfit; what was written until then is the caller's to drop. */
export type Encode = (value: unknown, out: ByteWriter) => void

export type AvroScalar = AvroPrimitive | AvroEnum | AvroFixed

/** Objects as JSON.parse makes them; not arrays, bytes, numbers kept as text, dates. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof JsonNumber || value instanceof Uint8Array || value instanceof Date)
}

const integerText = /^-?\d{1,20}$/
const jsonNumberText = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const maxLong = 2n ** 63n - 1n
const minLong = -(2n ** 63n)

/** The encoder of a schema that holds no other schema. `cells`: booleans may be the texts `true` and `false`. */
export function scalarEncoder(schema: AvroScalar, cells: boolean): Encode {
  switch (schema.type) {
    case 'null':
      return (value) => {
        if (value !== null) throw new Misfit(`expected null, found ${shown(value)}`)
      }
    case 'boolean':
      return cells ? booleanCell : boolean
    case 'int':
      return schema.logical === undefined ? int : intLogical(schema.logical)
    case 'long':
      return schema.logical === undefined ? long : longLogical(schema.logical)
    case 'float':
      return float
    case 'double':
      return double
    case 'string':
      return schema.logical?.name === 'uuid' ? uuid : string
    case 'bytes':
      return schema.logical?.name === 'decimal' ? decimal(schema.logical, undefined) : bytes
    case 'fixed':
      return fixed(schema)
    case 'enum':
      return enumeration(schema)
  }
}

const boolean: Encode = (value, out) => {
  if (typeof value !== 'boolean') throw new Misfit(`expected true or false, found ${shown(value)}`)
  out.byte(value ? 1 : 0)
}

const booleanCell: Encode = (value, out) => {
  boolean(value === 'true' ? true : value === 'false' ? false : value, out)
}

const int: Encode = (value, out) => {
  if (typeof value === 'number' && (value | 0) === value) {
    out.long(value)
    return
  }
  const integer = integerOf(value, 'a whole number')
  if (integer < -0x8000_0000 || integer > 0x7fff_ffff) {
    throw new Misfit(`${shown(value)} is beyond 32 bits where the schema says int`)
  }
  out.long(Number(integer))
}

const long: Encode = (value, out) => writeLong(integerOf(value, 'a whole number'), out)

function writeLong(value: number | bigint, out: ByteWriter): void {
  if (typeof value === 'number') {
    out.long(value)
    return
  }
  if (value > maxLong || value < minLong)
    throw new Misfit(`${value} is beyond 64 bits where the schema says long`)
  out.bigLong(value)
}

/** A number is taken only where a double holds every integer of its size; beyond that the digits may be lost already. */
function integerOf(value: unknown, expected: string): number | bigint {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value
    if (Number.isInteger(value)) {
      throw new Misfit(`${value} is beyond 2^53 and was rounded to a double; pass it as a bigint or as text`)
    }
  } else if (typeof value === 'bigint') {
    return value
  } else if (typeof value === 'string' && integerText.test(value)) {
    return BigInt(value)
  } else if (value instanceof JsonNumber) {
    return unscaledOf(value.text, 20, 0)
  }
  throw new Misfit(`expected ${expected}, found ${shown(value)}`)
}

const float: Encode = (value, out) => {
  const number = numberOf(value)
  if (Number.isFinite(number) && !Number.isFinite(Math.fround(number))) {
    throw new Misfit(`${shown(value)} is beyond the range of a float`)
  }
  out.float(number)
}

const double: Encode = (value, out) => out.double(typeof value === 'number' ? value : numberOf(value))

/** JSON has no NaN and no infinities; their names stand for them. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  const numeric =
    typeof value === 'bigint' ||
    value instanceof JsonNumber ||
    (typeof value === 'string' && jsonNumberText.test(value))
  if (!numeric) throw new Misfit(`expected a number, found ${shown(value)}`)
  const number = Number(String(value instanceof JsonNumber ? value.text : value))
  if (!Number.isFinite(number)) throw new Misfit(`${shown(value)} is beyond the range of a double`)
  return number
}

/** A number or boolean where the schema says string is written as its JSON text. */
const string: Encode = (value, out) => {
  if (typeof value === 'string') out.string(value)
  else out.string(scalarText(value))
}

function scalarText(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value instanceof JsonNumber) return value.text
      throw new Misfit(`expected a string, found ${shown(value)}`)
  }
}

const uuid: Encode = (value, out) => {
  if (typeof value !== 'string' || !uuidText.test(value)) throw new Misfit(`${shown(value)} is not a UUID`)
  out.string(value.toLowerCase())
}

function uuidBytes(value: unknown): Buffer {
  if (typeof value !== 'string' || !uuidText.test(value)) throw new Misfit(`${shown(value)} is not a UUID`)
  return Buffer.from(value.replaceAll('-', ''), 'hex')
}

const bytes: Encode = (value, out) => out.bytesWithLength(bytesOf(value))

/** Standard base64 with padding (RFC 4648 §4), strictly: text that would not come back the same is refused. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'string') throw new Misfit(`expected base64 text, found ${shown(value)}`)
  const decoded = Buffer.from(value, 'base64')
  if (decoded.toString('base64') !== value)
    throw new Misfit(`${shown(value)} is not base64 (RFC 4648, with padding)`)
  return decoded
}

function fixed(schema: AvroFixed): Encode {
  const { logical, size } = schema
  if (logical?.name === 'decimal') return decimal(logical, size)
  if (logical?.name === 'uuid') return (value, out) => out.bytes(uuidBytes(value))
  return (value, out) => {
    const decoded = bytesOf(value)
    if (decoded.length !== size) {
      throw new Misfit(`${decoded.length} bytes where the schema's fixed ${schema.name} has ${size}`)
    }
    out.bytes(decoded)
  }
}

function enumeration(schema: AvroEnum): Encode {
  const indexes = new Map<unknown, number>(schema.symbols.map((symbol, index) => [symbol, index]))
  return (value, out) => {
    const index = indexes.get(value)
    if (index === undefined) {
      throw new Misfit(`${shown(value)} is no symbol of enum ${schema.name} (${schema.symbols.join(', ')})`)
    }
    out.long(index)
  }
}

function decimal(
  { precision, scale }: { precision: number; scale: number },
  size: number | undefined,
): Encode {
  return (value, out) => {
    const unscaled = unscaledOf(decimalTextOf(value), precision, scale)
    if (size === undefined) out.bytesWithLength(twosComplement(unscaled))
    else out.bytes(twosComplement(unscaled, size))
  }
}

function decimalTextOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
      return String(value)
    default:
      if (value instanceof JsonNumber) return value.text
      throw new Misfit(`expected a decimal number, found ${shown(value)}`)
  }
}

function intLogical(logical: LogicalType): Encode {
  if (logical.name === 'date') {
    return (value, out) => int(typeof value === 'string' ? parseDate(value) : value, out)
  }
  return logical.name === 'time-millis' ? timeOfDay(3) : int
}

/** Text is a time of day; a number counts the schema's unit since midnight. */
function timeOfDay(places: FractionDigits): Encode {
  const day = 86_400 * 10 ** places
  return (value, out) => {
    const time = typeof value === 'string' ? parseTime(value, places) : integerOf(value, 'a time of day')
    if (time < 0 || time >= day) throw new Misfit(`${shown(value)} is not within one day`)
    writeLong(time, out)
  }
}

function longLogical(logical: LogicalType): Encode {
  switch (logical.name) {
    case 'time-micros':
      return timeOfDay(6)
    case 'timestamp-millis':
      return timestamp(3, true)
    case 'timestamp-micros':
      return timestamp(6, true)
    case 'timestamp-nanos':
      return timestamp(9, true)
    case 'local-timestamp-millis':
      return timestamp(3, false)
    case 'local-timestamp-micros':
      return timestamp(6, false)
    case 'local-timestamp-nanos':
      return timestamp(9, false)
    default:
      return long
  }
}

/** Text is an ISO 8601 timestamp; a number counts the schema's unit since 1970-01-01T00:00. */
function timestamp(places: FractionDigits, zoned: boolean): Encode {
  return (value, out) => {
    const units =
      typeof value === 'string'
        ? parseTimestamp(value, places, zoned)
        : integerOf(value, 'an ISO 8601 timestamp')
    writeLong(units, out)
  }
}
