import type { LogicalType } from '../avro-types.ts'
import type { ColumnType, SqlValue } from '../table-spec.ts'
import type { ByteReader } from './byte-reader.ts'
import { decimalOf } from './decimal.ts'
import { Misfit } from './errors.ts'
import type { EnumPlan, ScalarPlan } from './resolution.ts'
import { branchOf } from './skip.ts'
import { dateText, type FractionDigits, timestampText, timeText } from './temporal.ts'

export type Read<T> = (reader: ByteReader) => T

/** A scalar as the SqlValue of a column; undefined when a column of that type cannot hold every value of the scalar. */
export function sqlReader(plan: ScalarPlan, type: ColumnType): Read<SqlValue> | undefined {
  const { as } = plan
  switch (type.kind) {
    case 'boolean':
      return as.type === 'boolean' ? readBoolean : undefined
    case 'int32':
      return as.type === 'int' ? (reader) => reader.int() : undefined
    case 'int64':
      return as.type === 'int' || as.type === 'long' ? readInteger(plan) : undefined
    case 'float32':
      return as.type === 'float' ? readFloating(plan) : undefined
    case 'float64':
      return as.type === 'float' || as.type === 'double' ? readFloating(plan) : undefined
    case 'decimal':
      return as.logical?.name === 'decimal' && as.logical.scale === type.scale
        ? readDecimal(plan, type)
        : undefined
    case 'string':
      return as.type === 'string' ? readString(plan) : undefined
    case 'uuid':
      return as.logical?.name === 'uuid' ? readUuid(plan) : undefined
    case 'bytes':
      return as.type === 'bytes' || as.type === 'fixed' ? readBytes(plan) : undefined
    case 'date':
      return as.logical?.name === 'date' ? (reader) => reader.int() : undefined
    case 'time':
      return as.logical?.name.startsWith('time-') ? readMicros(plan, as.logical) : undefined
    case 'timestamp':
      if (!as.logical?.name.includes('timestamp-') || placesOf(as.logical) > type.precision) return undefined
      return as.logical.name.startsWith('local-') === type.zoned ? undefined : readMicros(plan, as.logical)
    default:
      return undefined
  }
}

/** A scalar as JSON text; see `jsonReader` for the forms. */
export function scalarJsonReader(plan: ScalarPlan): Read<string> {
  const { as } = plan
  const { logical } = as
  switch (as.type) {
    case 'null':
      return () => 'null'
    case 'boolean':
      return (reader) => String(readBoolean(reader))
    case 'int':
    case 'long':
      return integerJson(plan, logical)
    case 'float':
    case 'double': {
      const read = readFloating(plan)
      return (reader) => floatingJson(read(reader))
    }
    case 'string': {
      const read = logical?.name === 'uuid' ? readUuid(plan) : readString(plan)
      return (reader) => JSON.stringify(read(reader))
    }
    case 'bytes':
    case 'fixed': {
      if (logical?.name === 'decimal') return readDecimal(plan, logical)
      const uuid = logical?.name === 'uuid' ? readUuid(plan) : undefined
      if (uuid !== undefined) return (reader) => `"${uuid(reader)}"`
      return (reader) => `"${viewBytes(plan, reader).toString('base64')}"`
    }
  }
}

/** The reader's symbol. Throws Misfit for an index that the enum does not have, or a symbol that the reader lacks. */
export function enumReader(plan: EnumPlan): Read<string> {
  const choices = plan.symbols.map((symbol, index) => ({ symbol, written: plan.writerSymbols[index] }))
  return (reader) => {
    const { symbol, written } = branchOf(choices, reader)
    if (symbol === undefined) throw new Misfit(`the reader's enum has no symbol ${written} and no default`)
    return symbol
  }
}

const readBoolean: Read<boolean> = (reader) => {
  const byte = reader.byte()
  if (byte > 1) throw new Misfit(`byte ${byte} where the schema says boolean`)
  return byte === 1
}

/** An integer as it is on the wire, multiplied; exact. */
function wireInteger(plan: ScalarPlan): Read<number | bigint> {
  const { wire, times } = plan
  if (wire.type === 'int' && times === 1) return (reader) => reader.int()
  if (times === 1) return (reader) => reader.long()
  return (reader) => multiplied(wire.type === 'int' ? reader.int() : reader.long(), times)
}

function multiplied(value: number | bigint, times: number): number | bigint {
  const product = Number(value) * times
  return Number.isSafeInteger(product) ? product : within64Bits(BigInt(value) * BigInt(times))
}

function within64Bits(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new Misfit(`${value} is beyond 64 bits`)
  return value
}

function readInteger(plan: ScalarPlan): Read<bigint> {
  const read = wireInteger(plan)
  return (reader) => BigInt(read(reader))
}

function readFloating({ wire, as }: ScalarPlan): Read<number> {
  if (wire.type === 'double') return (reader) => reader.double()
  if (wire.type === 'float') return (reader) => reader.float()
  if (as.type === 'float') return (reader) => Math.fround(Number(reader.long()))
  return (reader) => Number(reader.long())
}

/** bytes and string look alike on the wire. */
function readString(_plan: ScalarPlan): Read<string> {
  return (reader) => reader.string()
}

function viewBytes({ wire }: ScalarPlan, reader: ByteReader): Buffer {
  return reader.view(wire.type === 'fixed' ? wire.size : reader.length())
}

function readBytes({ wire }: ScalarPlan): Read<Buffer> {
  if (wire.type === 'fixed') return (reader) => reader.bytes(wire.size)
  return (reader) => reader.bytes(reader.length())
}

function readDecimal(
  plan: ScalarPlan,
  { precision, scale }: { precision: number; scale: number },
): Read<string> {
  return (reader) => decimalOf(viewBytes(plan, reader), precision, scale)
}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function readUuid(plan: ScalarPlan): Read<string> {
  if (plan.wire.type === 'fixed') {
    return (reader) => {
      const hex = viewBytes(plan, reader).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    }
  }
  return (reader) => {
    const text = reader.string().toLowerCase()
    if (!uuidText.test(text)) throw new Misfit(`${JSON.stringify(text.slice(0, 40))} is not a UUID`)
    return text
  }
}

/** Digits of a second that the logical type's unit holds. */
function placesOf(logical: LogicalType): FractionDigits {
  if (logical.name.endsWith('-millis')) return 3
  return logical.name.endsWith('-micros') ? 6 : 9
}

/** A time or timestamp as microseconds; undefined for nanoseconds, which would lose digits. */
function readMicros(plan: ScalarPlan, logical: LogicalType): Read<bigint> | undefined {
  const places = placesOf(logical)
  if (places === 9) return undefined
  return readInteger(places === 3 ? { ...plan, times: plan.times * 1000 } : plan)
}

function integerJson(plan: ScalarPlan, logical: LogicalType | undefined): Read<string> {
  const read = wireInteger(plan)
  if (logical === undefined) return (reader) => String(read(reader))
  if (logical.name === 'date') return (reader) => `"${dateText(Number(read(reader)))}"`
  const places = placesOf(logical)
  if (logical.name.startsWith('time-')) return (reader) => timeJson(read(reader), places)
  const zoned = !logical.name.startsWith('local-')
  return (reader) => `"${timestampText(read(reader), places, zoned)}"`
}

function timeJson(time: number | bigint, places: FractionDigits): string {
  if (time < 0 || time >= 86_400 * 10 ** places) throw new Misfit(`${time} is no time of day`)
  return `"${timeText(Number(time), places)}"`
}

/** JSON has no NaN and no infinities: their names as text. */
function floatingJson(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0.0' : String(value)
}
