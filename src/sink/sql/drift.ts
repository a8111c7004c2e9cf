import { ConfigError } from '../../errors.ts'
import type { TableSpec } from '../../schema/table-spec.ts'
import type { Dialect } from './dialect.ts'
import { diffTable } from './diff.ts'
import { SqlFailure } from './failure.ts'
import type { Session } from './session.ts'
import { wantedTarget } from './wanted.ts'

/** NOT NULL of PostgreSQL and MySQL: what the schema lets be null, the plan makes nullable. */
const notNull: ReadonlySet<string> = new Set(['23502', '1048'])

/**
 * True for what the database can only refuse for its data when the table is not the planned one: rows are checked
 * against the plan's types before they are sent. Unique, foreign key and check are the table's own business.
 */
export function suspectsDrift({ code, errorClass }: SqlFailure): boolean {
  return code !== '' && (errorClass === 'data' || notNull.has(code))
}

/**
 * Throws SqlFailure of kind `missing` when the table was changed since it was planned. Good records must not become dead letters
 * for an ALTER TABLE behind the sink's back.
 */
export async function requireTableAsPlanned(
  session: Session,
  dialect: Dialect,
  spec: TableSpec,
): Promise<void> {
  const wanted = wantedTarget(spec, dialect)
  const changed = await differences()
  if (changed !== '') {
    throw new SqlFailure(`the table is not what the plan made: ${changed}`, { kind: 'missing' })
  }

  async function differences(): Promise<string> {
    const existing = await dialect.readTable(session, wanted.table)
    try {
      const changes = diffTable(wanted, existing, dialect, session)
      return changes.map(({ object, detail }) => `${object}: ${detail}`).join('; ')
    } catch (err) {
      if (!(err instanceof ConfigError)) throw err
      return String(err.cause ?? err.message)
    }
  }
}

/**
 * Throws SqlFailure of kind `missing` when a column would round values of the schema without a word: no error of the server
 * tells of that, so it is looked for before the first row is written. What the server refuses is left to it.
 */
export async function requireExactColumns(
  session: Session,
  dialect: Dialect,
  spec: TableSpec,
): Promise<void> {
  const wanted = wantedTarget(spec, dialect)
  const existing = await dialect.readTable(session, wanted.table)
  const { compare, foldName, rounding } = dialect.types
  const byName = new Map(existing?.columns.map((column) => [foldName(column.name), column]))
  const rounded = wanted.columns.flatMap(({ name, type }) => {
    const column = byName.get(foldName(name))
    if (column === undefined || !rounding.has(column.base)) return []
    return compare(column, type, false, session.server).fit === 'holds'
      ? []
      : [`${name} is ${column.nativeType}`]
  })
  if (rounded.length === 0) return
  throw new SqlFailure(`columns would round values of the schema: ${rounded.join(', ')}`, { kind: 'missing' })
}
