import { ConfigError } from '../../errors.ts'
import { type AvroRecord, type AvroSchema, optionalOf } from '../avro-types.ts'
import type { ColumnSpec } from '../table-spec.ts'
import { columnTypeOf } from './column-type.ts'

export interface ColumnOptions {
  /** Part of the Kafka record that has the schema. Default `value`. */
  readonly from?: 'value' | 'key'
  /**
   * Nested records (also optional ones) become columns of their own, named parent_child. Arrays, maps, and a record inside
   * itself stay JSON. Default false: every nested record is one JSON column.
   */
  readonly flatten?: boolean
  /** Column name where the schema is no record. Default: the part's name. */
  readonly name?: string
}

/** MySQL's limit; PostgreSQL takes 1,600. Records that use each other can be flattened to millions. */
const maxColumns = 4096

/**
 * Columns for an Avro schema, in field order, named by the fields' original names.
 * Throws ConfigError when two fields give the same column name, naming both paths, and for too many columns.
 */
export function columnsFor(schema: AvroSchema, options: ColumnOptions = {}): ColumnSpec[] {
  const { from = 'value', flatten = false, name = from } = options
  if (schema.type !== 'record') {
    return [{ name, ...columnTypeOf(schema), source: { from, path: [] } }]
  }
  const columns: ColumnSpec[] = []
  const place = { from, flatten, names: [], path: [], within: [], optional: false }
  for (const column of recordColumns(schema, place)) {
    columns.push(column)
    if (columns.length > maxColumns)
      throw new ConfigError(`the schema makes more than ${maxColumns} columns, which no database takes`, {
        where: schema.fullName,
        next: flatten ? 'leave nested records as JSON (without flatten)' : 'put fields into nested records',
      })
  }
  refuseSameName(columns)
  return columns
}

interface Place {
  readonly from: 'value' | 'key'
  readonly flatten: boolean
  /** Original names of the fields above. */
  readonly names: readonly string[]
  readonly path: readonly string[]
  /** The records above: one inside itself has no end. */
  readonly within: readonly AvroRecord[]
  /** A record above may be null. */
  readonly optional: boolean
}

function* recordColumns(record: AvroRecord, place: Place): Generator<ColumnSpec> {
  const within = [...place.within, record]
  for (const field of record.fields) {
    const names = [...place.names, field.originalName]
    const path = [...place.path, field.name]
    const inner = optionalOf(field.type) ?? field.type
    if (place.flatten && inner.type === 'record' && !within.includes(inner) && inner.fields.length > 0) {
      const optional = place.optional || inner !== field.type
      yield* recordColumns(inner, { ...place, names, path, within, optional })
      continue
    }
    const { type, nullable } = columnTypeOf(field.type)
    yield {
      name: names.join('_'),
      type,
      nullable: nullable || place.optional,
      source: { from: place.from, path },
    }
  }
}

function refuseSameName(columns: readonly ColumnSpec[]): void {
  const paths = new Map<string, string>()
  for (const { name, source } of columns) {
    const path = source.path.join('.')
    const other = paths.get(name)
    if (other !== undefined) {
      throw new ConfigError(`two fields give the same column: ${other} and ${path} are both "${name}"`, {
        where: `column ${name}`,
        next: 'rename one of the fields, or leave nested records as JSON (without flatten)',
      })
    }
    paths.set(name, path)
  }
}
