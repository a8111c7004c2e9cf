import type { AvroEnum, AvroFixed, AvroPrimitive, LogicalType } from '../schema/avro-types.ts'
import type { ColumnType } from '../schema/table-spec.ts'
import { canonicalDecimal, canonicalNumber } from '../sink/canonical.ts'
import { dateText, isoDate, isoTime, isoTimestamp, timestampText, timeText } from './time-text.ts'
import { Unreadable } from './unreadable.ts'

export type Scalar = AvroPrimitive | AvroFixed | AvroEnum

/** Canonical text of a value that was written as `writer` and is meant as `reader`, for a column of `type`. */
export function scalarText(
  writer: Scalar,
  reader: Scalar,
  type: ColumnType,
): (raw: unknown) => string | null {
  switch (type.kind) {
    case 'boolean':
      return String
    case 'int32':
    case 'int64': {
      const factor = factorOf(writer, reader)
      return (raw) => String(BigInt(raw as number | bigint) * factor)
    }
    case 'float32':
      return (raw) => floatText(Math.fround(Number(raw)))
    case 'float64':
      return (raw) => floatText(Number(raw))
    case 'decimal':
      return (raw) => canonicalDecimal(decimalText(bytesOf(raw), scaleOf(writer, reader)))
    case 'string':
    case 'enum':
      return writer.type === 'enum' ? symbolOf(writer, reader) : stringOf
    case 'uuid':
      return uuidOf
    case 'bytes':
      return (raw) => bytesOf(raw).toString('hex')
    case 'date':
      return (raw) => dateText(Number(raw))
    case 'time': {
      const micros = microsOf(writer, reader)
      return (raw) => timeText(micros(raw))
    }
    case 'timestamp': {
      const micros = microsOf(writer, reader)
      return (raw) => timestampText(micros(raw))
    }
    case 'json':
      return jsonScalar(writer, reader)
  }
}

/** The same inside of JSON, whose forms docs/schemas.md lists. */
export function jsonScalar(writer: Scalar, reader: Scalar): (raw: unknown) => string {
  const { logical } = 'logical' in reader ? reader : { logical: undefined }
  switch (reader.type) {
    case 'null':
      return () => 'null'
    case 'boolean':
      return String
    case 'int':
    case 'long':
      return integerJson(writer, reader, logical)
    case 'float':
      return (raw) => floatJson(Math.fround(Number(raw)))
    case 'double':
      return (raw) => floatJson(Number(raw))
    case 'string': {
      const text = logical?.name === 'uuid' ? uuidOf : stringOf
      return (raw) => JSON.stringify(text(raw))
    }
    case 'enum': {
      const symbol = symbolOf(writer as AvroEnum, reader)
      return (raw) => JSON.stringify(symbol(raw))
    }
    case 'bytes':
    case 'fixed':
      if (logical?.name === 'decimal')
        return (raw) => canonicalNumber(decimalText(bytesOf(raw), scaleOf(writer, reader)))
      if (logical?.name === 'uuid') return (raw) => `"${uuidOf(raw)}"`
      return (raw) => `"${bytesOf(raw).toString('base64')}"`
  }
}

function integerJson(
  writer: Scalar,
  reader: Scalar,
  logical: LogicalType | undefined,
): (raw: unknown) => string {
  const factor = factorOf(writer, reader)
  const integer = (raw: unknown) => BigInt(raw as number | bigint) * factor
  if (logical === undefined) return (raw) => canonicalNumber(String(integer(raw)))
  if (logical.name === 'date') return (raw) => `"${isoDate(Number(raw))}"`
  const places = placesOf(logical.name)
  if (logical.name.startsWith('time-')) return (raw) => `"${isoTime(integer(raw), places)}"`
  const zoned = !logical.name.startsWith('local-')
  return (raw) => `"${isoTimestamp(integer(raw), places, zoned)}"`
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function floatJson(value: number): string {
  return Number.isFinite(value) ? canonicalNumber(String(value)) : `"${value}"`
}

/** bytes and string are read as each other. */
function bytesOf(raw: unknown): Buffer {
  return typeof raw === 'string' ? Buffer.from(raw) : (raw as Buffer)
}

function stringOf(raw: unknown): string {
  return typeof raw === 'string' ? raw : (raw as Buffer).toString('utf8')
}

function uuidOf(raw: unknown): string {
  if (typeof raw === 'string') return raw.toLowerCase()
  return (raw as Buffer).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** avsc knows the symbols as s0, s1, … */
function symbolOf(writer: AvroEnum, reader: Scalar): (raw: unknown) => string {
  if (reader.type !== 'enum') throw new Unreadable(`an enum cannot be read as ${reader.type}`)
  const symbols = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? symbol : reader.default))
  return (raw) => {
    const symbol = symbols[Number(String(raw).slice(1))]
    if (symbol === undefined) throw new Unreadable("a symbol that the table's schema does not have")
    return symbol
  }
}

/** https://avro.apache.org/docs/1.12.0/specification/#decimal: two's complement, most significant byte first. */
function decimalText(bytes: Buffer, scale: number): string {
  const unsigned = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
  const unscaled = BigInt.asIntN(bytes.length * 8, unsigned)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  const fraction = scale === 0 ? '' : `.${digits.slice(point)}`
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`
}

function scaleOf(writer: Scalar, reader: Scalar): number {
  const to = logicalOf(reader)
  const from = logicalOf(writer)
  if (to?.name !== 'decimal') throw new Unreadable('the column is a decimal, its field is none')
  if (from?.name === 'decimal' && from.scale !== to.scale) throw new Unreadable('decimals of another scale')
  return to.scale
}

function microsOf(writer: Scalar, reader: Scalar): (raw: unknown) => bigint {
  const factor = factorOf(writer, reader)
  const toMicros = placesOf(logicalOf(reader)?.name ?? '') === 3 ? 1000n : 1n
  return (raw) => BigInt(raw as number | bigint) * factor * toMicros
}

/** What keeps the meaning of a number from the writer's unit to the reader's: 1000 from millis to micros. */
function factorOf(writer: Scalar, reader: Scalar): bigint {
  const from = logicalOf(writer)
  const to = logicalOf(reader)
  if (!from || !to) return 1n
  const family = (name: string) => name.replace(/-(millis|micros|nanos)$/, '')
  if (family(from.name) !== family(to.name)) throw new Unreadable(`${from.name} cannot be read as ${to.name}`)
  const places = placesOf(to.name) - placesOf(from.name)
  if (places < 0) throw new Unreadable(`${from.name} does not fit into ${to.name}`)
  return 10n ** BigInt(places)
}

function placesOf(name: string): number {
  return name.endsWith('-millis') ? 3 : name.endsWith('-micros') ? 6 : name.endsWith('-nanos') ? 9 : 0
}

function logicalOf(schema: Scalar): LogicalType | undefined {
  return 'logical' in schema ? schema.logical : undefined
}
