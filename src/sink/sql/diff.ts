import { ConfigError } from '../../errors.ts'
import type { Change } from '../sink.ts'
import type { Dialect } from './dialect.ts'
import type { ExistingColumn, ExistingTable } from './existing.ts'
import type { Session } from './session.ts'
import { quoted } from './statement.ts'
import { tableIdent, tableText } from './table-name.ts'
import type { WantedColumn, WantedTable } from './wanted.ts'

/**
 * Steps from the existing table to the wanted one; empty when nothing is to do. Only widens: adds columns, lengthens,
 * lets NULL in. Throws ConfigError, with all that stands in the way, when that is not enough.
 */
export function diffTable(
  wanted: WantedTable,
  existing: ExistingTable | undefined,
  dialect: Dialect,
  session: Session,
): Change[] {
  if (existing === undefined) return [createTable(wanted, dialect, session)]
  const diff = new TableDiff(wanted, existing, dialect, session)
  diff.compareColumns()
  diff.compareExtraColumns()
  diff.compareKey()
  return diff.result()
}

function createTable(wanted: WantedTable, dialect: Dialect, session: Session): Change {
  const lines = wanted.columns.map((column) => columnDdl(column, wanted, dialect, column.nullable))
  if (wanted.primaryKey.length > 0) lines.push(`PRIMARY KEY (${wanted.primaryKey.map(quoted).join(', ')})`)
  const options = dialect.tableOptions(session)
  return {
    kind: 'create',
    object: `table ${tableText(wanted.table)}`,
    detail: `${wanted.columns.length} columns, key ${wanted.primaryKey.join(', ') || 'none'}`,
    sql: [
      `CREATE TABLE ${tableIdent(wanted.table).render(() => '')} (\n  ${lines.join(',\n  ')}\n)${options ? ` ${options}` : ''}`,
    ],
  }
}

function columnDdl(column: WantedColumn, wanted: WantedTable, dialect: Dialect, nullable: boolean): string {
  const type = dialect.types.ddl(column.name, column.type, wanted.primaryKey.includes(column.name))
  const value = column.default === undefined ? '' : ` DEFAULT ${column.default}`
  const constraint = dialect.types.constraint(column.name, column.type)
  return `${quoted(column.name)} ${type} ${nullable ? 'NULL' : 'NOT NULL'}${value}${constraint}`
}

class TableDiff {
  readonly #wanted: WantedTable
  readonly #existing: ExistingTable
  readonly #dialect: Dialect
  readonly #session: Session
  readonly #byName: ReadonlyMap<string, ExistingColumn>
  readonly #changes: Change[] = []
  readonly #problems: string[] = []

  constructor(wanted: WantedTable, existing: ExistingTable, dialect: Dialect, session: Session) {
    this.#wanted = wanted
    this.#existing = existing
    this.#dialect = dialect
    this.#session = session
    this.#byName = new Map(existing.columns.map((column) => [dialect.types.foldName(column.name), column]))
    if (existing.unfit !== undefined) this.#problems.push(existing.unfit)
  }

  compareColumns(): void {
    for (const column of this.#wanted.columns) {
      const found = this.#byName.get(this.#dialect.types.foldName(column.name))
      if (found === undefined) this.#add(column)
      else this.#compare(found, column)
    }
  }

  /** A column that the plan does not know is left alone as long as rows can do without it. */
  compareExtraColumns(): void {
    const { foldName } = this.#dialect.types
    const known = new Set(this.#wanted.columns.map(({ name }) => foldName(name)))
    for (const column of this.#existing.columns) {
      if (known.has(foldName(column.name)) || column.nullable || column.hasDefault || column.generated)
        continue
      this.#problems.push(
        `column ${column.name} wants a value and the schema has none: make it nullable or give it a default`,
      )
    }
  }

  compareKey(): void {
    const { primaryKey: wanted } = this.#wanted
    const { primaryKey: existing, uniqueKeys } = this.#existing
    if (wanted.length === 0 || uniqueKeys.some((key) => sameColumns(key, wanted))) return
    const columns = wanted.map(quoted).join(', ')
    if (existing.length > 0) {
      this.#problems.push(`its primary key is (${existing.join(', ')}), wanted is (${wanted.join(', ')})`)
      return
    }
    this.#changes.push({
      kind: 'alter',
      object: `table ${this.#name()}`,
      detail: `primary key (${wanted.join(', ')}); fails when rows have the same key`,
      sql: [this.#alter(`ADD PRIMARY KEY (${columns})`)],
      consent: 'add-primary-key',
    })
  }

  result(): Change[] {
    if (this.#problems.length === 0) return this.#changes
    throw new ConfigError(
      `table ${this.#name()} cannot become what the schema wants without losing something`,
      {
        where: `table ${this.#name()}`,
        cause: this.#problems.join('; '),
        next: 'change the table by hand, or choose another one: --table NAME',
      },
    )
  }

  /** New columns of a table that may have rows hold NULL for them, unless they have a default. */
  #add(column: WantedColumn): void {
    if (this.#wanted.primaryKey.includes(column.name) && this.#existing.primaryKey.length > 0) {
      this.#problems.push(`key column ${column.name} is missing`)
      return
    }
    const nullable = column.nullable || column.default === undefined
    const ddl = columnDdl(column, this.#wanted, this.#dialect, nullable)
    this.#changes.push({
      kind: 'alter',
      object: `column ${this.#name()}.${column.name}`,
      detail: `add ${ddl.slice(quoted(column.name).length + 1)}`,
      sql: [this.#alter(`ADD COLUMN ${ddl}`)],
    })
  }

  #compare(existing: ExistingColumn, wanted: WantedColumn): void {
    const { types } = this.#dialect
    const key = this.#wanted.primaryKey.includes(wanted.name)
    if (!wanted.anyType) {
      const fit = types.compare(existing, wanted.type, key && this.#wanted.exactKeys, this.#session.server)
      if (fit.fit === 'refused') {
        const ddl = types.ddl(wanted.name, wanted.type, key)
        this.#problems.push(`column ${existing.name} should be ${ddl}: ${fit.why}`)
      } else if (fit.fit === 'widen') {
        this.#change(existing, types.alterType(existing, fit.ddl), `${existing.nativeType} → ${fit.ddl}`)
      } else if (fit.fit === 'collation') {
        const detail = `keys that differ in case or trailing blanks stay different: ${fit.ddl}`
        this.#change(existing, types.alterType(existing, fit.ddl), detail, 'change-collation')
      }
    }
    if (wanted.nullable && !existing.nullable) {
      this.#change(existing, types.dropNotNull(existing), 'NOT NULL → NULL')
    }
  }

  #change(existing: ExistingColumn, clause: string, detail: string, consent?: string): void {
    this.#changes.push({
      kind: 'alter',
      object: `column ${this.#name()}.${existing.name}`,
      detail,
      sql: [this.#alter(clause)],
      ...(consent === undefined ? {} : { consent }),
    })
  }

  #alter(clause: string): string {
    return `ALTER TABLE ${tableIdent(this.#wanted.table).render(() => '')} ${clause}`
  }

  #name(): string {
    return tableText(this.#wanted.table)
  }
}

function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}
