import { ConfigError } from '../../errors.ts'
import { civilDate } from '../../schema/civil-date.ts'
import type { ColumnType } from '../../schema/table-spec.ts'
import type { Fit, TypeMapping } from '../sql/dialect.ts'
import type { ExistingColumn } from '../sql/existing.ts'
import type { ServerInfo } from '../sql/session.ts'
import { quoted } from '../sql/statement.ts'
import { splitMicros } from '../sql/temporal.ts'

/** https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html */
const nameChars = 64
/** https://dev.mysql.com/doc/refman/8.4/en/precision-math-decimal-characteristics.html; MariaDB allows a scale of 38. */
const maxPrecision = 65
const maxScale = 30
/** Shortest VARCHAR of an enum, so that new symbols rarely change the column. */
const enumChars = 64

const holds: Fit = { fit: 'holds' }

export const types: TypeMapping = {
  ddl,
  constraint: (column, type) => (type.kind === 'json' ? ` CHECK (JSON_VALID(${quoted(column)}))` : ''),
  compare(existing, wanted, key, server) {
    if (existing.generated) return { fit: 'refused', why: 'it is a generated column' }
    const found = fit(existing, wanted)
    if (found.fit !== 'holds' || !key) return found
    return keyCollationFit(existing, server)
  },
  rounding: new Set(['decimal', 'float', 'double', 'date', 'time', 'datetime', 'timestamp', 'year']),
  alterType: (existing, type) => {
    const collation = existing.collation === undefined ? '' : ` COLLATE ${existing.collation}`
    const textual = /CHAR|TEXT/.test(type) && !/COLLATE/.test(type) ? collation : ''
    return modify(existing, `${type}${textual}`, existing.nullable)
  },
  dropNotNull: (existing) =>
    modify(
      existing,
      `${existing.nativeType}${existing.collation ? ` COLLATE ${existing.collation}` : ''}`,
      true,
    ),
  checkName(name, what) {
    const why = nameProblem(name)
    if (why === undefined) return
    throw new ConfigError(`${what} ${JSON.stringify(name)} cannot be a name in MySQL`, {
      cause: why,
      next: 'give it another name in etl.yaml',
    })
  },
  // Column names do not tell upper from lower case.
  foldName: (name) => name.toLowerCase(),
  problem,
}

/** https://dev.mysql.com/doc/refman/8.4/en/identifiers.html */
function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if ([...name].length > nameChars) return `it has ${[...name].length} characters, ${nameChars} are allowed`
  if (/[\0\u{10000}-\u{10ffff}]/u.test(name)) return 'it holds a character beyond U+FFFF, or U+0000'
  return name.endsWith(' ') ? 'it ends with a blank' : undefined
}

/** MODIFY states the whole column again: what it does not say is lost, so columns with a default are left to their owner. */
function modify(existing: ExistingColumn, type: string, nullable: boolean): string {
  if (existing.hasDefault) {
    throw new ConfigError(`column ${existing.name} has to become ${type}, but it has a default of its own`, {
      cause: "MySQL's MODIFY would drop the default",
      next: `ALTER TABLE … MODIFY ${quoted(existing.name)} ${type} …, then etl plan`,
    })
  }
  return `MODIFY COLUMN ${quoted(existing.name)} ${type} ${nullable ? 'NULL' : 'NOT NULL'}`
}

/** https://dev.mysql.com/doc/refman/8.4/en/data-types.html */
function ddl(column: string, type: ColumnType, key: boolean): string {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN'
    case 'int32':
      return 'INT'
    case 'int64':
      return 'BIGINT'
    // FLOAT is shown with six digits and compared as if it had them: every float32 is exact as a double.
    case 'float32':
    case 'float64':
      return 'DOUBLE'
    case 'decimal':
      if (type.precision > maxPrecision || type.scale > maxScale) throw tooPrecise(column, type)
      return `DECIMAL(${type.precision},${type.scale})`
    case 'string':
      if (type.maxLength !== undefined) return `VARCHAR(${type.maxLength})`
      if (key) throw lengthless(column)
      return 'LONGTEXT'
    case 'enum':
      return `VARCHAR(${Math.max(enumChars, longest(type.symbols))})`
    case 'uuid':
      return 'CHAR(36)'
    case 'bytes':
      if (type.maxLength !== undefined && (key || type.maxLength <= 255))
        return `VARBINARY(${type.maxLength})`
      if (key) throw lengthless(column)
      return 'LONGBLOB'
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME(6)'
    case 'timestamp':
      return `DATETIME(${type.precision})`
    // The type JSON of MySQL turns numbers into doubles; text keeps every digit on MySQL and MariaDB alike.
    case 'json':
      return 'LONGTEXT'
  }
}

function longest(symbols: readonly string[]): number {
  return Math.max(1, ...symbols.map((symbol) => symbol.length))
}

function lengthless(column: string): ConfigError {
  return new ConfigError(`column ${column}: a key column without a length cannot be indexed by MySQL`, {
    cause: 'an index takes 3072 bytes, 768 characters',
    next: 'say how long keys can be; longer ones are rejected, never cut: --key-length 255',
  })
}

function tooPrecise(column: string, type: { precision: number; scale: number }): ConfigError {
  return new ConfigError(
    `column ${column}: decimal(${type.precision},${type.scale}) does not fit into MySQL's DECIMAL`,
    {
      cause: `it takes ${maxPrecision} digits, ${maxScale} after the point`,
      next: 'make it a string in the schema, or give it fewer digits',
    },
  )
}

/** Whether `existing` holds every value of `wanted`, or what it would have to become. */
function fit(existing: ExistingColumn, wanted: ColumnType): Fit {
  const { base } = existing
  switch (wanted.kind) {
    case 'boolean':
      return oneOf(existing, ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'])
    case 'int32':
      if (existing.unsigned) return refused(existing)
      if (['tinyint', 'smallint', 'mediumint'].includes(base)) return { fit: 'widen', ddl: 'INT' }
      return wideDecimal(existing, 10, 0) ? holds : oneOf(existing, ['int', 'bigint'])
    case 'int64':
      if (existing.unsigned) return refused(existing)
      if (['tinyint', 'smallint', 'mediumint', 'int'].includes(base)) return { fit: 'widen', ddl: 'BIGINT' }
      return wideDecimal(existing, 19, 0) ? holds : oneOf(existing, ['bigint'])
    case 'float32':
    case 'float64':
      if (existing.unsigned) return refused(existing)
      return base === 'float' ? { fit: 'widen', ddl: 'DOUBLE' } : oneOf(existing, ['double'])
    case 'decimal':
      return decimalFit(existing, wanted)
    case 'string':
      return textFit(existing, wanted.maxLength)
    case 'enum':
      return textFit(existing, longest(wanted.symbols))
    case 'uuid':
      return base === 'char' && existing.args[0] === 36 ? holds : textFit(existing, 36)
    case 'bytes':
      return bytesFit(existing, wanted.maxLength)
    case 'date':
      return oneOf(existing, ['date'])
    case 'time':
      return precisionFit(existing, 'time', 6, 'TIME(6)')
    case 'timestamp':
      return precisionFit(existing, 'datetime', wanted.precision, `DATETIME(${wanted.precision})`)
    case 'json':
      return oneOf(existing, ['longtext', 'json'])
  }
}

function refused(existing: ExistingColumn): Fit {
  return { fit: 'refused', why: `it is ${existing.nativeType}` }
}

function oneOf(existing: ExistingColumn, bases: readonly string[]): Fit {
  return bases.includes(existing.base) ? holds : refused(existing)
}

function wideDecimal(existing: ExistingColumn, whole: number, scale: number): boolean {
  const [precision = 10, existingScale = 0] = existing.args
  return (
    existing.base === 'decimal' &&
    !existing.unsigned &&
    existingScale >= scale &&
    precision - existingScale >= whole
  )
}

function decimalFit(existing: ExistingColumn, wanted: { precision: number; scale: number }): Fit {
  if (existing.base !== 'decimal' || existing.unsigned) return refused(existing)
  const whole = wanted.precision - wanted.scale
  if (wideDecimal(existing, whole, wanted.scale)) return holds
  const [precision = 10, scale = 0] = existing.args
  const newScale = Math.max(scale, wanted.scale)
  const newPrecision = Math.max(precision - scale, whole) + newScale
  return newPrecision > maxPrecision
    ? refused(existing)
    : { fit: 'widen', ddl: `DECIMAL(${newPrecision},${newScale})` }
}

function textFit(existing: ExistingColumn, length: number | undefined): Fit {
  const { base, collation = '' } = existing
  if (base === 'longtext') return collation.startsWith('utf8mb4') ? holds : charsetRefused(existing)
  if (!['varchar', 'tinytext', 'text', 'mediumtext'].includes(base)) return refused(existing)
  if (!collation.startsWith('utf8mb4')) return charsetRefused(existing)
  if (length === undefined) return { fit: 'widen', ddl: 'LONGTEXT' }
  // The lengths of the TEXT types are bytes, at most four to a character.
  const room = { tinytext: 63, text: 16_383, mediumtext: 4_194_303 }[base] ?? existing.args[0] ?? 0
  return room >= length ? holds : { fit: 'widen', ddl: `VARCHAR(${length})` }
}

function charsetRefused(existing: ExistingColumn): Fit {
  return {
    fit: 'refused',
    why: `its collation ${existing.collation} cannot hold every character (utf8mb4 can)`,
  }
}

function bytesFit(existing: ExistingColumn, length: number | undefined): Fit {
  const { base } = existing
  if (base === 'longblob') return holds
  if (!['varbinary', 'tinyblob', 'blob', 'mediumblob'].includes(base)) return refused(existing)
  if (length === undefined) return { fit: 'widen', ddl: 'LONGBLOB' }
  const room = { tinyblob: 255, blob: 65_535, mediumblob: 16_777_215 }[base] ?? existing.args[0] ?? 0
  return room >= length ? holds : { fit: 'widen', ddl: `VARBINARY(${length})` }
}

function precisionFit(existing: ExistingColumn, base: string, precision: number, type: string): Fit {
  if (existing.base !== base) return refused(existing)
  return (existing.args[0] ?? 0) >= precision ? holds : { fit: 'widen', ddl: type }
}

/**
 * Collations under which keys that differ in case, accents or trailing blanks stay different. utf8mb4_bin is not one
 * of them: it pads with blanks. https://mariadb.com/kb/en/supported-character-sets-and-collations/
 */
const exactCollations: ReadonlySet<string> = new Set(['utf8mb4_nopad_bin', 'utf8mb4_0900_bin'])

export function exactCollation({ product }: ServerInfo): string {
  return product === 'MariaDB' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
}

function keyCollationFit(existing: ExistingColumn, server: ServerInfo): Fit {
  const { collation } = existing
  if (collation === undefined || existing.base === 'char' || exactCollations.has(collation)) return holds
  return { fit: 'collation', ddl: `${existing.nativeType} COLLATE ${exactCollation(server)}` }
}

function problem(type: ColumnType, value: unknown): string | undefined {
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return Number.isFinite(value) ? undefined : `MySQL cannot hold ${String(value)}`
    case 'date':
      return yearProblem(civilDate(value as number).year)
    case 'timestamp':
      return yearProblem(civilDate(splitMicros(value as bigint).days).year)
    default:
      return undefined
  }
}

/** https://dev.mysql.com/doc/refman/8.4/en/datetime.html; years before 1000 are stored right, but two digits are guessed at. */
function yearProblem(year: number): string | undefined {
  return year >= 1 && year <= 9999 ? undefined : `the year ${year} is out of MySQL's range`
}
