import { UnexpectedError } from '../../errors.ts'
import type { ColumnSpec, ColumnType, SqlValue, TableSpec } from '../../schema/table-spec.ts'
import type { Row } from '../sink.ts'
import type { TypeMapping } from './dialect.ts'

const dayMicros = 86_400_000_000n

/**
 * Why a row cannot be stored as it is: what the database would refuse, and what it would silently round or cut.
 * undefined when there is nothing to say against it. A deletion is checked by its key columns only.
 */
export function rowProblem(
  row: Row,
  spec: TableSpec,
  key: ReadonlySet<string>,
  types: TypeMapping,
): string | undefined {
  for (let i = 0; i < spec.columns.length; i++) {
    const column = spec.columns[i]
    if (column === undefined) break
    const isKey = key.has(column.name)
    if (row.op === 'delete' && !isKey) continue
    const problem = columnProblem(column, row.values[i] ?? null, isKey, types)
    if (problem !== undefined) return `column ${column.name}: ${problem}`
  }
  return undefined
}

function columnProblem(
  column: ColumnSpec,
  value: SqlValue,
  isKey: boolean,
  types: TypeMapping,
): string | undefined {
  if (value === null) {
    if (isKey) return 'null in a key column'
    return column.nullable ? undefined : 'null in a column that is not nullable'
  }
  requireType(column, value)
  return valueProblem(column.type, value) ?? types.problem(column.type, value)
}

/** What no database stores exactly, whatever the dialect. */
function valueProblem(type: ColumnType, value: NonNullable<SqlValue>): string | undefined {
  switch (type.kind) {
    case 'int32':
      return Number(value) === (Number(value) | 0) ? undefined : 'out of range'
    case 'int64':
      return BigInt.asIntN(64, value as bigint) === value ? undefined : 'out of range'
    case 'float32':
      // A number that is no float32 would be rounded on its way in.
      return Number.isNaN(value) || Math.fround(value as number) === value ? undefined : 'not a 32-bit float'
    case 'decimal':
      return decimalProblem(value as string, type.precision, type.scale)
    case 'string':
    case 'enum':
    case 'json':
      return textProblem(value as string, type.kind === 'string' ? type.maxLength : undefined)
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value as string) ? undefined : 'not a UUID'
    case 'bytes':
      return type.maxLength !== undefined && (value as Buffer).length > type.maxLength
        ? `longer than ${type.maxLength} bytes`
        : undefined
    case 'time':
      return (value as bigint) >= 0n && (value as bigint) < dayMicros ? undefined : 'not a time of day'
    case 'timestamp':
      return type.precision === 3 && (value as bigint) % 1000n !== 0n
        ? 'microseconds in a column of milliseconds'
        : undefined
    default:
      return undefined
  }
}

function decimalProblem(text: string, precision: number, scale: number): string | undefined {
  const match = /^-?(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return 'not a decimal number'
  const whole = (match[1] ?? '').replace(/^0+/, '')
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return `more than ${scale} digits after the point`
  return whole.length > precision - scale
    ? `more than ${precision - scale} digits before the point`
    : undefined
}

function textProblem(text: string, maxLength: number | undefined): string | undefined {
  if (!text.isWellFormed()) return 'text with half a surrogate pair'
  if (maxLength === undefined || text.length <= maxLength) return undefined
  // Databases count characters, JavaScript counts UTF-16 units.
  return [...text].length > maxLength ? `longer than ${maxLength} characters` : undefined
}

const jsTypes: Readonly<Record<ColumnType['kind'], 'boolean' | 'number' | 'bigint' | 'string' | 'object'>> = {
  boolean: 'boolean',
  int32: 'number',
  int64: 'bigint',
  float32: 'number',
  float64: 'number',
  decimal: 'string',
  string: 'string',
  enum: 'string',
  uuid: 'string',
  bytes: 'object',
  date: 'number',
  time: 'bigint',
  timestamp: 'bigint',
  json: 'string',
}

/** A wrong JavaScript type is the encoder's mistake, not the record's. */
function requireType(column: ColumnSpec, value: NonNullable<SqlValue>): void {
  if (typeof value === jsTypes[column.type.kind]) return
  throw new UnexpectedError(
    `column ${column.name} wants ${jsTypes[column.type.kind]} for ${column.type.kind}, not ${typeof value}`,
  )
}
