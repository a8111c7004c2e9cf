import type { AvroSchema } from '../schema/avro-types.ts'
import type { ColumnSpec } from '../schema/table-spec.ts'
import { canonicalDecimal } from '../sink/canonical.ts'
import { dateText, timestampText, timeText } from './time-text.ts'
import { Unreadable } from './unreadable.ts'

/**
 * Canonical texts of the key columns of a record whose key is text: the value itself for one column, a JSON array or
 * object for several.
 */
export function keyTexts(
  key: Buffer,
  columns: readonly {
    readonly column: ColumnSpec
    readonly names: readonly string[]
    readonly schema: AvroSchema
  }[],
): string[] {
  const text = key.toString('utf8')
  if (columns.length === 1) return columns.map(({ column, schema }) => cellText(text, column, schema))
  const cells = cellsOf(text)
  if (Array.isArray(cells) && cells.length !== columns.length)
    throw new Unreadable(`the key has ${cells.length} values, the table's key ${columns.length} columns`)
  return columns.map(({ column, names, schema }, i) => {
    const cell = Array.isArray(cells)
      ? cells[i]
      : names.map((name) => cells[name]).find((c) => c !== undefined)
    if (cell === undefined || cell === null) throw new Unreadable(`the key has no ${column.name}`)
    return cellText(String(cell), column, schema)
  })
}

/** Numbers as they were written: a double would not hold them. */
function cellsOf(text: string): unknown[] | Record<string, unknown> {
  let cells: unknown
  try {
    cells = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    )
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (typeof cells === 'object' && cells !== null) return cells as unknown[] | Record<string, unknown>
  throw new Unreadable('the key is neither a JSON array nor an object')
}

function cellText(text: string, { type }: ColumnSpec, schema: AvroSchema): string {
  switch (type.kind) {
    case 'int32':
    case 'int64':
      return String(integer(text, schema, 9))
    case 'decimal':
      return canonicalDecimal(text)
    case 'uuid':
      return text.toLowerCase()
    case 'bytes':
      return Buffer.from(text, 'base64').toString('hex')
    case 'date':
      return /^-?\d+$/.test(text) ? dateText(Number(text)) : text
    case 'time':
      return timeText(integer(text, schema, 6))
    case 'timestamp':
      return timestampText(integer(text, schema, 6))
    default:
      return text
  }
}

/** A whole number in the schema's own unit, or a time in ISO 8601; in 10^-places seconds where the schema is a time. */
function integer(text: string, schema: AvroSchema, places: number): bigint {
  const name = 'logical' in schema ? (schema.logical?.name ?? '') : ''
  const own = name.endsWith('-millis') ? 3 : name.endsWith('-micros') ? 6 : places
  if (/^-?\d+$/.test(text)) return BigInt(text) * 10n ** BigInt(places - own)
  const [, moment, fraction = '', zone = ''] = /^(.*?\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/i.exec(text) ?? []
  const iso = moment?.includes('-') ? moment : `1970-01-01T${moment}`
  const millis = Date.parse(`${iso}${zone === '' ? 'Z' : zone}`)
  if (Number.isNaN(millis)) throw new Unreadable(`the key "${text}" is neither a number nor a time`)
  const units = 10n ** BigInt(places)
  return (BigInt(millis) * units) / 1000n + BigInt(fraction.padEnd(places, '0').slice(0, places) || '0')
}
