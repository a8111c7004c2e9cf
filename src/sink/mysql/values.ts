import { civilDate } from '../../schema/civil-date.ts'
import type { ColumnType, SqlValue } from '../../schema/table-spec.ts'
import { dateText, splitMicros, timeText } from '../sql/temporal.ts'
import { bytesLiteral, doubleLiteral, stringLiteral } from './literal.ts'

/** A column's value as a literal of the type that the server compares and stores exactly. */
export function encodeValue(type: ColumnType, value: SqlValue): string {
  if (value === null) return 'NULL'
  switch (type.kind) {
    case 'boolean':
      return value ? '1' : '0'
    case 'float32':
    case 'float64':
      return doubleLiteral(value as number)
    case 'bytes':
      return bytesLiteral(value as Buffer)
    case 'string':
    case 'enum':
    case 'uuid':
    case 'json':
      return stringLiteral(value as string)
    case 'date':
      return `'${dateText(civilDate(value as number))}'`
    case 'time':
      return `'${timeText(value as bigint)}'`
    case 'timestamp': {
      const { days, ofDay } = splitMicros(value as bigint)
      return `'${dateText(civilDate(days))} ${timeText(ofDay)}'`
    }
    // Not quoted: the server would compare a quoted decimal as a double.
    default:
      return String(value)
  }
}
