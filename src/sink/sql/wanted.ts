import { ConfigError } from '../../errors.ts'
import { type ColumnType, provenanceColumns, type TableSpec } from '../../schema/table-spec.ts'
import type { BookkeepingTable } from './bookkeeping.ts'
import type { Dialect } from './dialect.ts'
import { parseTableName, type TableName, tableText } from './table-name.ts'

/** A table as the plan wants it; target tables and bookkeeping tables alike. */
export interface WantedTable {
  readonly table: TableName
  readonly columns: readonly WantedColumn[]
  readonly primaryKey: readonly string[]
  /** Keys must be told apart byte by byte. Older bookkeeping tables keep the collation that they have. */
  readonly exactKeys: boolean
}

export interface WantedColumn {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  readonly default: string | undefined
  readonly anyType: boolean
}

/**
 * The target table with its provenance columns. Throws ConfigError for names that the database cannot hold, names that it
 * takes for one, and keys that cannot be keys.
 */
export function wantedTarget(spec: TableSpec, dialect: Dialect): WantedTable {
  const table = parseTableName(spec.table)
  const columns: WantedColumn[] = spec.columns.map(({ name, type, nullable }) => ({
    name,
    type,
    nullable: nullable && !spec.primaryKey.includes(name),
    default: undefined,
    anyType: false,
  }))
  if (spec.provenance) {
    const key = spec.primaryKey.length === 0
    columns.push(
      provenance(provenanceColumns.partition, { kind: 'int32' }, key),
      provenance(provenanceColumns.offset, { kind: 'int64' }, key),
    )
  }
  const wanted = { table, columns, primaryKey: keyOf(spec), exactKeys: true }
  checkNames(wanted, dialect)
  checkKey(wanted)
  return wanted
}

export function wantedBookkeeping({ table, columns, primaryKey }: BookkeepingTable): WantedTable {
  return {
    table: { schema: undefined, name: table },
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      nullable: column.nullable ?? false,
      default: column.default,
      anyType: column.anyType ?? false,
    })),
    primaryKey,
    exactKeys: false,
  }
}

/** Columns that rows are upserted and deleted by, and that are unique: from the data, else the record's place. */
export function keyOf(spec: TableSpec): readonly string[] {
  if (spec.primaryKey.length > 0) return spec.primaryKey
  return spec.provenance ? [provenanceColumns.partition, provenanceColumns.offset] : []
}

function provenance(name: string, type: ColumnType, key: boolean): WantedColumn {
  return { name, type, nullable: !key, default: undefined, anyType: false }
}

function checkNames({ table, columns, primaryKey }: WantedTable, dialect: Dialect): void {
  const { checkName, foldName } = dialect.types
  if (table.schema !== undefined) checkName(table.schema, 'schema')
  checkName(table.name, 'table')
  const seen = new Map<string, string>()
  for (const { name } of columns) {
    checkName(name, `column of ${tableText(table)}`)
    const twin = seen.get(foldName(name))
    if (twin !== undefined) {
      throw new ConfigError(`columns ${JSON.stringify(twin)} and ${JSON.stringify(name)} have one name`, {
        where: tableText(table),
        next: 'rename one of the fields in etl.yaml',
      })
    }
    seen.set(foldName(name), name)
  }
  const unknown = primaryKey.find((key) => !columns.some(({ name }) => name === key))
  if (unknown !== undefined) {
    throw new ConfigError(`key column ${JSON.stringify(unknown)} is not a column of the table`, {
      where: tableText(table),
      next: `name one of: ${columns.map(({ name }) => name).join(', ')}`,
    })
  }
}

/** Binary floats have two zeros and no exact text, JSON has many texts for one value: neither tells keys apart. */
function checkKey({ table, columns, primaryKey }: WantedTable): void {
  for (const { name, type } of columns) {
    if (!primaryKey.includes(name)) continue
    if (type.kind === 'json' || type.kind === 'float32' || type.kind === 'float64') {
      throw new ConfigError(`column ${name} is ${type.kind} and cannot be a key`, {
        where: tableText(table),
        next: 'choose key fields that are integers, text, bytes, decimals, dates or UUIDs: --key FIELD',
      })
    }
  }
}
