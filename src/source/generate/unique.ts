import { UsageError } from '../../errors.ts'
import { decimalText } from '../../schema/avro/decimal.ts'
import { dateText, timestampText, timeText } from '../../schema/avro/temporal.ts'
import { type AvroSchema, type LogicalType, optionalOf, typeText } from '../../schema/avro-types.ts'
import { type Generate, uuidText } from './scalars.ts'

/**
 * Generator of values that differ from record to record, made from the index: 1, 2, 3, … as number, text, time. Never null.
 * Throws UsageError when the type cannot differ at all, and while generating when it has no more values.
 */
export function uniqueGenerator(schema: AvroSchema, path: string): Generate {
  const type = optionalOf(schema) ?? schema
  const { limit, value } = series(type, path)
  return ({ index }) => {
    if (index < limit) return value(index)
    throw new UsageError(`${path}: ${typeText(type)} has only ${limit} different values`, {
      next: 'generate fewer records, or take another key',
    })
  }
}

interface Series {
  /** How many values there are. */
  readonly limit: number
  readonly value: (index: number) => unknown
}

/** Days up to 9999-12-31. */
const lastDate = 2_932_897
const everyIndex = Number.MAX_SAFE_INTEGER

function series(schema: AvroSchema, path: string): Series {
  const logical = 'logical' in schema ? schema.logical : undefined
  if (logical !== undefined && logical.name !== 'duration') return logicalSeries(logical)
  switch (schema.type) {
    case 'int':
      return { limit: 2 ** 31, value: (index) => index }
    case 'float':
      return { limit: 2 ** 24, value: (index) => index }
    case 'long':
    case 'double':
      return { limit: everyIndex, value: (index) => index }
    case 'string':
      return { limit: everyIndex, value: (index) => `key-${index}` }
    case 'enum':
      return { limit: schema.symbols.length, value: (index) => schema.symbols[index] }
    case 'bytes':
      return { limit: everyIndex, value: (index) => bytesOf(index, 8).toString('base64') }
    case 'fixed': {
      const bytes = Math.min(schema.size, 6)
      return { limit: 256 ** bytes, value: (index) => bytesOf(index, schema.size).toString('base64') }
    }
    default:
      throw new UsageError(`${path}: ${typeText(schema)} cannot be made unique`, {
        next: 'take a field that is a number, text, a time or bytes as the key',
      })
  }
}

function logicalSeries(logical: LogicalType): Series {
  switch (logical.name) {
    case 'decimal': {
      const { precision, scale } = logical
      return { limit: 10 ** Math.min(precision, 15), value: (index) => decimalText(index, scale) }
    }
    case 'uuid':
      return { limit: 2 ** 48, value: (index) => uuidText(bytesOf(index, 16)) }
    case 'date':
      return { limit: lastDate, value: dateText }
    case 'time-millis':
      return { limit: 86_400_000, value: (index) => timeText(index, 3) }
    case 'time-micros':
      return { limit: 86_400_000_000, value: (index) => timeText(index, 6) }
    default: {
      const places = logical.name.endsWith('-millis') ? 3 : logical.name.endsWith('-micros') ? 6 : 9
      const zoned = !logical.name.startsWith('local-')
      return { limit: everyIndex, value: (index) => timestampText(index, places, zoned) }
    }
  }
}

/** The index in the last bytes, most significant first. */
function bytesOf(index: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let rest = index
  for (let i = size - 1; i >= 0 && rest > 0; i--) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}
