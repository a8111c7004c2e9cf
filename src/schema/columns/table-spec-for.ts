import { ConfigError } from '../../errors.ts'
import type { AvroSchema } from '../avro-types.ts'
import { type ColumnSpec, provenanceColumns, type TableSpec } from '../table-spec.ts'
import { columnsFor } from './columns.ts'

export interface TableSpecOptions {
  /** Schema of the records' values. */
  readonly schema: AvroSchema
  readonly table: string
  /** Names of columns; empty: none from the data. */
  readonly primaryKey: readonly string[]
  readonly provenance: boolean
  readonly flatten?: boolean
  /**
   * Schema of the records' keys: the primary key's columns are then read from the key (and added where the value does not
   * have them). Without it they are read from the value.
   */
  readonly keyFrom?: AvroSchema
}

/**
 * The table for a schema. Throws ConfigError when a key column does not exist, is listed twice, may be null or cannot be a
 * key (JSON), when two fields give one column name, and when a column has the name of a provenance column.
 */
export function tableSpecFor(options: TableSpecOptions): TableSpec {
  const { schema, table, primaryKey, provenance, flatten = false, keyFrom } = options
  const fromValue = columnsFor(schema, { flatten })
  const columns =
    keyFrom === undefined ? fromValue : withKey(fromValue, keyColumnsFor(keyFrom, primaryKey, flatten))
  for (const name of primaryKey) checkKeyColumn(name, columns, table)
  if (new Set(primaryKey).size < primaryKey.length) {
    throw new ConfigError(`a column is listed twice in the primary key (${primaryKey.join(', ')})`, {
      where: table,
    })
  }
  if (provenance) refuseReserved(columns, table)
  return { table, columns, primaryKey, provenance }
}

/** Whether the value has a column for every name of the primary key; else they must come from the record's key. */
export function isInValue({ schema, primaryKey, flatten = false }: TableSpecOptions): boolean {
  const columns = columnsFor(schema, { flatten })
  return primaryKey.every((name) => columns.some((column) => column.name === name))
}

/**
 * The primary key's columns as read from the records' keys: what deletes (tombstones, which have no value) are found by.
 * A key that is no record is the value of the only key column. Throws ConfigError when the key has no such field.
 */
export function keyColumnsFor(key: AvroSchema, primaryKey: readonly string[], flatten = false): ColumnSpec[] {
  const [only] = primaryKey
  if (key.type !== 'record') {
    if (only === undefined || primaryKey.length > 1) {
      throw new ConfigError(
        `the record key is a single ${key.type}, the primary key has ${primaryKey.length} columns`,
        {
          where: 'primary key',
          next: 'give one primary key column, or use keys that are records',
        },
      )
    }
    return columnsFor(key, { from: 'key', name: only })
  }
  const columns = columnsFor(key, { from: 'key', flatten })
  return primaryKey.map((name) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column !== undefined) return column
    throw new ConfigError(`the record key has no field "${name}"`, {
      where: 'primary key',
      next: `choose among: ${columns.map((candidate) => candidate.name).join(', ')}`,
    })
  })
}

function withKey(fromValue: readonly ColumnSpec[], fromKey: readonly ColumnSpec[]): ColumnSpec[] {
  const keys = new Map(fromKey.map((column) => [column.name, column]))
  const replaced = fromValue.map((column) => keys.get(column.name) ?? column)
  return [...fromKey.filter((column) => !replaced.includes(column)), ...replaced]
}

function checkKeyColumn(name: string, columns: readonly ColumnSpec[], table: string): void {
  const column = columns.find((candidate) => candidate.name === name)
  const where = `${table}.${name}`
  if (column === undefined) {
    throw new ConfigError(`the primary key names column "${name}", which the schema does not give`, {
      where,
      next: `choose among: ${columns.map((candidate) => candidate.name).join(', ')}`,
    })
  }
  if (column.nullable) {
    throw new ConfigError(`the primary key column "${name}" may be null`, {
      where,
      next: 'make the field required in the schema, or choose another key',
    })
  }
  if (column.type.kind === 'json') {
    throw new ConfigError(`the primary key column "${name}" holds JSON, which has no order to be a key`, {
      where,
      next: 'choose a plain field, or flatten nested records',
    })
  }
}

function refuseReserved(columns: readonly ColumnSpec[], table: string): void {
  const reserved: readonly string[] = Object.values(provenanceColumns)
  // MySQL compares column names without case.
  const clash = columns.find((column) => reserved.includes(column.name.toLowerCase()))
  if (clash === undefined) return
  throw new ConfigError(`the field ${clash.source.path.join('.')} has the name of a provenance column`, {
    where: `${table}.${clash.name}`,
    next: 'rename the field, or switch the provenance columns off',
  })
}
