import type { Row } from '../sink.ts'
import type { RowTarget, RowWriter } from '../sql/dialect.ts'
import { badRecord } from '../sql/failure.ts'
import type { Session } from '../sql/session.ts'
import { quoted, raw, sql } from '../sql/statement.ts'
import { tableIdent } from '../sql/table-name.ts'
import { placeColumns, storedPlace, writtenColumns } from '../sql/written-columns.ts'
import { notThisRow, upsertTail } from './upsert.ts'
import { encodeValue } from './values.ts'

/** Characters of one statement; the server's max_allowed_packet can make it less. */
const statementChars = 4 * 1024 * 1024
/** Keys of one DELETE: the range optimizer gives up beyond its memory. */
const deletedKeys = 1000

/** The plain way in: INSERT statements of many rows. */
export function rowWriter(target: RowTarget): RowWriter {
  const columns = writtenColumns(target)
  const keyColumns = columns.filter((column) => target.key.includes(column.name))
  const table = tableIdent(target.table).render(() => '')
  const into = `INSERT INTO ${table} (${columns.map(({ name }) => quoted(name)).join(', ')}) VALUES `

  const tuple = (row: Row): string =>
    `(${columns.map((column) => encodeValue(column.type, column.value(row))).join(',')})`
  const keyCondition = (row: Row): string =>
    `(${keyColumns.map((column) => `${quoted(column.name)} = ${encodeValue(column.type, column.value(row))}`).join(' AND ')})`

  return {
    insert: (session, rows) =>
      inParts(session, rows, { head: into, encode: tuple, separator: ',', tail: '' }),
    upsert: async (session, rows) => {
      const names = columns.map(({ name }) => name)
      const tail = upsertTail(session.server, table, target.key, names)
      try {
        await inParts(session, rows, { head: into, encode: tuple, separator: ',', tail })
      } catch (err) {
        throw notThisRow(err)
      }
    },
    delete: (session, rows) =>
      inParts(session, rows, {
        head: `DELETE FROM ${table} WHERE `,
        encode: keyCondition,
        separator: ' OR ',
        tail: '',
        maxRows: deletedKeys,
      }),
    find: async (session, row) => {
      const { rows } = await session.query(
        sql`SELECT ${placeColumns} FROM ${raw(table)} WHERE ${raw(keyCondition(row))} FOR UPDATE`,
      )
      return storedPlace(rows[0])
    },
  }
}

interface StatementShape {
  readonly head: string
  readonly encode: (row: Row) => string
  readonly separator: string
  readonly tail: string
  readonly maxRows?: number
}

/** Sends the rows in as few statements as the server's packet size allows. */
async function inParts(session: Session, rows: readonly Row[], shape: StatementShape): Promise<void> {
  const { head, encode, separator, tail, maxRows = Number.POSITIVE_INFINITY } = shape
  // Room for the packet's header.
  const maxBytes = session.server.maxStatementBytes - 1024
  const frame = Buffer.byteLength(head) + Buffer.byteLength(tail)
  let parts: string[] = []
  let bytes = frame
  const send = async (): Promise<void> => {
    if (parts.length > 0) await session.query(raw(`${head}${parts.join(separator)}${tail}`))
    parts = []
    bytes = frame
  }
  for (const row of rows) {
    const part = encode(row)
    const size = Buffer.byteLength(part) + separator.length
    if (frame + size > maxBytes) {
      throw badRecord(`the row has ${size} bytes, more than max_allowed_packet allows (${maxBytes})`)
    }
    if (bytes + size > Math.min(maxBytes, statementChars) || parts.length >= maxRows) await send()
    parts.push(part)
    bytes += size
  }
  await send()
}
