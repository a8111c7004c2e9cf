import { type CivilDate, civilDate } from '../../schema/civil-date.ts'
import type { ColumnType, SqlValue } from '../../schema/table-spec.ts'
import { dateText, splitMicros, timeText } from '../sql/temporal.ts'

/** Type of the array that carries a column's values; without length or scale, so that nothing is cut by a cast. */
export function arrayType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean[]'
    case 'int32':
      return 'integer[]'
    case 'int64':
      return 'bigint[]'
    case 'float32':
      return 'real[]'
    case 'float64':
      return 'double precision[]'
    case 'decimal':
      return 'numeric[]'
    case 'string':
    case 'enum':
      return 'text[]'
    case 'uuid':
      return 'uuid[]'
    case 'bytes':
      return 'bytea[]'
    case 'date':
      return 'date[]'
    case 'time':
      return 'time[]'
    case 'timestamp':
      return type.zoned ? 'timestamptz[]' : 'timestamp[]'
    case 'json':
      return 'jsonb[]'
  }
}

/** One element of an array literal. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function encodeValue(type: ColumnType, value: SqlValue): string {
  if (value === null) return 'NULL'
  switch (type.kind) {
    case 'string':
    case 'enum':
    case 'json':
      return quotedElement(value as string)
    case 'bytes':
      // The element is \xHEX; its backslash is escaped for the array.
      return `"\\\\x${(value as Buffer).toString('hex')}"`
    case 'date':
      return `"${era(civilDate(value as number), '')}"`
    case 'time':
      return timeText(value as bigint)
    case 'timestamp': {
      const { days, ofDay } = splitMicros(value as bigint)
      return `"${era(civilDate(days), ` ${timeText(ofDay)}${type.zoned ? '+00' : ''}`)}"`
    }
    case 'float32':
    case 'float64':
      return Object.is(value, -0) ? '-0' : String(value)
    default:
      return String(value)
  }
}

function quotedElement(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** PostgreSQL writes the years before 1 AD as BC. */
function era(date: CivilDate, time: string): string {
  return date.year > 0
    ? `${dateText(date)}${time}`
    : `${dateText({ ...date, year: 1 - date.year })}${time} BC`
}
