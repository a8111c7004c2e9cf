import type { Row } from '../sink.ts'
import type { RowTarget, RowWriter } from '../sql/dialect.ts'
import { SqlFailure } from '../sql/failure.ts'
import type { Session } from '../sql/session.ts'
import { ident, join, raw, type Sql, sql } from '../sql/statement.ts'
import { tableIdent } from '../sql/table-name.ts'
import { placeColumns, storedPlace, type WrittenColumn, writtenColumns } from '../sql/written-columns.ts'
import { arrayType, encodeValue } from './values.ts'

/** Rows in one statement; each column travels as one array, so that the statement's text does not depend on their number. */
const statementRows = 10_000
const statementChars = 16 * 1024 * 1024
const notNullViolation = '23502'

/** The plain way in: `INSERT … SELECT … FROM unnest(arrays)`. */
export function rowWriter(target: RowTarget): RowWriter {
  const columns = writtenColumns(target)
  const keyColumns = columns.filter((column) => target.key.includes(column.name))
  const table = tableIdent(target.table)
  const into = sql`INSERT INTO ${table} (${names(columns)})`
  const onConflict = conflictClause(target.key, columns)

  return {
    insert: (session, rows) =>
      inParts(session, columns, rows, (arrays) => sql`${into} SELECT * FROM unnest(${arrays})`),
    upsert: (session, rows) =>
      inParts(session, columns, rows, (arrays) => sql`${into} SELECT * FROM unnest(${arrays}) ${onConflict}`),
    delete: (session, rows) =>
      inParts(
        session,
        keyColumns,
        rows,
        (arrays) => sql`
          DELETE FROM ${table} AS t USING unnest(${arrays}) AS k(${names(keyColumns)})
          WHERE ${join(
            keyColumns.map(({ name }) => sql`t.${ident(name)} = k.${ident(name)}`),
            ' AND ',
          )}`,
      ),
    find: async (session, row) => {
      // An array of one, so that the key has the type of its column and the text that the other statements send.
      const conditions = keyColumns.map(
        ({ name, type, value }) =>
          sql`${ident(name)} = (${`{${encodeValue(type, value(row))}}`}::${raw(arrayType(type))})[1]`,
      )
      const { rows } = await session.query(
        sql`SELECT ${placeColumns} FROM ${table} WHERE ${join(conditions, ' AND ')} FOR UPDATE`,
      )
      return storedPlace(rows[0])
    },
  }
}

function names(columns: readonly WrittenColumn[]): Sql {
  return join(
    columns.map(({ name }) => ident(name)),
    ', ',
  )
}

function conflictClause(key: readonly string[], columns: readonly WrittenColumn[]): Sql {
  const target = join(key.map(ident), ', ')
  const others = columns.filter(({ name }) => !key.includes(name))
  if (others.length === 0) return sql`ON CONFLICT (${target}) DO NOTHING`
  const assignments = others.map(({ name }) => sql`${ident(name)} = excluded.${ident(name)}`)
  return sql`ON CONFLICT (${target}) DO UPDATE SET ${join(assignments, ', ')}`
}

async function inParts(
  session: Session,
  columns: readonly WrittenColumn[],
  rows: readonly Row[],
  statement: (arrays: Sql) => Sql,
): Promise<void> {
  for (let at = 0; at < rows.length; ) {
    const arrays = columns.map(() => [] as string[])
    let chars = 0
    let count = 0
    while (at + count < rows.length && count < statementRows && chars < statementChars) {
      const row = rows[at + count]
      if (row === undefined) break
      columns.forEach((column, index) => {
        const element = encodeValue(column.type, column.value(row))
        arrays[index]?.push(element)
        chars += element.length
      })
      count++
    }
    const parameters = columns.map(
      ({ type }, index) => sql`${`{${arrays[index]?.join(',')}}`}::${raw(arrayType(type))}`,
    )
    try {
      await session.query(statement(join(parameters, ', ')))
    } catch (err) {
      throw blamed(err, columns)
    }
    at += count
  }
}

/** A NOT NULL column that the plan does not know refuses every record: the table is wrong, not the record. */
function blamed(err: unknown, columns: readonly WrittenColumn[]): unknown {
  const unknown =
    err instanceof SqlFailure &&
    err.code === notNullViolation &&
    !columns.some(({ name }) => name === err.column)
  return unknown ? new SqlFailure(err.message, { kind: 'missing' }, err.code, { cause: err }) : err
}
