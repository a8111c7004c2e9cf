import { ConfigError } from '../../errors.ts'
import { civilDate } from '../../schema/civil-date.ts'
import type { ColumnType } from '../../schema/table-spec.ts'
import type { Fit, TypeMapping } from '../sql/dialect.ts'
import type { ExistingColumn } from '../sql/existing.ts'
import { quoted } from '../sql/statement.ts'
import { splitMicros } from '../sql/temporal.ts'

/** NAMEDATALEN - 1. https://www.postgresql.org/docs/current/limits.html */
const nameBytes = 63
/** Declarable precision of numeric. https://www.postgresql.org/docs/current/datatype-numeric.html */
const maxPrecision = 1000

const holds: Fit = { fit: 'holds' }

export const types: TypeMapping = {
  ddl,
  constraint: () => '',
  compare(existing, wanted, _key) {
    if (existing.generated) return { fit: 'refused', why: 'it is a generated column' }
    return fit(existing, wanted)
  },
  rounding: new Set([
    'numeric',
    'real',
    'double precision',
    'date',
    'time without time zone',
    'time with time zone',
    'timestamp without time zone',
    'timestamp with time zone',
  ]),
  alterType: (existing, type) => `ALTER COLUMN ${quoted(existing.name)} TYPE ${type}`,
  dropNotNull: (existing) => `ALTER COLUMN ${quoted(existing.name)} DROP NOT NULL`,
  checkName(name, what) {
    const bytes = Buffer.byteLength(name)
    if (name === '' || name.includes('\0') || bytes > nameBytes) {
      throw new ConfigError(`${what} ${JSON.stringify(name)} cannot be a name in PostgreSQL`, {
        cause:
          bytes > nameBytes
            ? `it has ${bytes} bytes, ${nameBytes} are allowed`
            : 'it is empty or holds U+0000',
        next: 'give it a shorter name in etl.yaml',
      })
    }
  },
  foldName: (name) => name,
  problem,
}

/** https://www.postgresql.org/docs/current/datatype.html */
function ddl(column: string, type: ColumnType, _key: boolean): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'int32':
      return 'integer'
    case 'int64':
      return 'bigint'
    case 'float32':
      return 'real'
    case 'float64':
      return 'double precision'
    case 'decimal':
      if (type.precision > maxPrecision) throw tooPrecise(column, type)
      return `numeric(${type.precision},${type.scale})`
    case 'string':
      return type.maxLength === undefined ? 'text' : `varchar(${type.maxLength})`
    case 'enum':
      return 'text'
    case 'uuid':
      return 'uuid'
    case 'bytes':
      return 'bytea'
    case 'date':
      return 'date'
    case 'time':
      return 'time(6)'
    case 'timestamp':
      return type.zoned ? `timestamptz(${type.precision})` : `timestamp(${type.precision})`
    case 'json':
      return 'jsonb'
  }
}

function tooPrecise(column: string, type: { precision: number; scale: number }): ConfigError {
  return new ConfigError(
    `column ${column}: decimal(${type.precision},${type.scale}) does not fit into PostgreSQL's numeric`,
    {
      cause: `${maxPrecision} digits can be declared`,
      next: 'make it a string in the schema, or give it fewer digits',
    },
  )
}

/** Whether `existing` holds every value of `wanted`, or what it would have to become. */
function fit(existing: ExistingColumn, wanted: ColumnType): Fit {
  const { base } = existing
  switch (wanted.kind) {
    case 'boolean':
      return oneOf(existing, ['boolean'])
    case 'int32':
      if (base === 'smallint') return { fit: 'widen', ddl: 'integer' }
      return wideNumeric(existing, 10, 0) ? holds : oneOf(existing, ['integer', 'bigint'])
    case 'int64':
      if (base === 'smallint' || base === 'integer') return { fit: 'widen', ddl: 'bigint' }
      return wideNumeric(existing, 19, 0) ? holds : oneOf(existing, ['bigint'])
    case 'float32':
      return oneOf(existing, ['real', 'double precision'])
    case 'float64':
      if (base === 'real') return { fit: 'widen', ddl: 'double precision' }
      return oneOf(existing, ['double precision'])
    case 'decimal':
      return decimalFit(existing, wanted)
    case 'string':
      return textFit(existing, wanted.maxLength)
    case 'enum':
      return textFit(existing, Math.max(...wanted.symbols.map((symbol) => symbol.length)))
    case 'uuid':
      return base === 'uuid' ? holds : textFit(existing, 36)
    case 'bytes':
      return oneOf(existing, ['bytea'])
    case 'date':
      return oneOf(existing, ['date'])
    case 'time':
      return precisionFit(existing, 'time without time zone', 6, 'time(6)')
    case 'timestamp': {
      const name = wanted.zoned ? 'timestamp with time zone' : 'timestamp without time zone'
      return precisionFit(existing, name, wanted.precision, ddl(existing.name, wanted, false))
    }
    case 'json':
      return oneOf(existing, ['jsonb', 'json', 'text'])
  }
}

function oneOf(existing: ExistingColumn, bases: readonly string[]): Fit {
  return bases.includes(existing.base) ? holds : { fit: 'refused', why: `it is ${existing.nativeType}` }
}

/** numeric with room for so many digits before and after the point. */
function wideNumeric(existing: ExistingColumn, whole: number, scale: number): boolean {
  if (existing.base !== 'numeric') return false
  const [precision, existingScale = 0] = existing.args
  return precision === undefined || (existingScale >= scale && precision - existingScale >= whole)
}

function decimalFit(existing: ExistingColumn, wanted: { precision: number; scale: number }): Fit {
  if (existing.base !== 'numeric') return { fit: 'refused', why: `it is ${existing.nativeType}` }
  const whole = wanted.precision - wanted.scale
  if (wideNumeric(existing, whole, wanted.scale)) return holds
  const [precision = 0, scale = 0] = existing.args
  const newScale = Math.max(scale, wanted.scale)
  return { fit: 'widen', ddl: `numeric(${Math.max(precision - scale, whole) + newScale},${newScale})` }
}

function textFit(existing: ExistingColumn, length: number | undefined): Fit {
  if (existing.base === 'text') return holds
  if (existing.base !== 'character varying') return { fit: 'refused', why: `it is ${existing.nativeType}` }
  const [existingLength] = existing.args
  if (existingLength === undefined) return holds
  if (length === undefined) return { fit: 'widen', ddl: 'text' }
  return existingLength >= length ? holds : { fit: 'widen', ddl: `varchar(${length})` }
}

function precisionFit(existing: ExistingColumn, base: string, precision: number, type: string): Fit {
  if (existing.base !== base) return { fit: 'refused', why: `it is ${existing.nativeType}` }
  // Without an argument the precision is 6.
  return (existing.args[0] ?? 6) >= precision ? holds : { fit: 'widen', ddl: type }
}

/** https://www.postgresql.org/docs/current/datatype-datetime.html: 4713 BC to 5874897 AD (date), 294276 AD (timestamp). */
function problem(type: ColumnType, value: unknown): string | undefined {
  switch (type.kind) {
    case 'string':
      return (value as string).includes('\0') ? 'PostgreSQL text cannot hold U+0000' : undefined
    case 'date':
      return yearProblem(civilDate(value as number).year, 5_874_897)
    case 'timestamp':
      return yearProblem(civilDate(splitMicros(value as bigint).days).year, 294_276)
    default:
      return undefined
  }
}

/** Year 4713 BC is astronomical -4712, and begins before the first Julian day (24 November -4713 Gregorian). */
function yearProblem(year: number, last: number): string | undefined {
  return year >= -4712 && year <= last ? undefined : `the year ${year} is out of PostgreSQL's range`
}
