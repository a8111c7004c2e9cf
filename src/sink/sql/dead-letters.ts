import { ConfigError } from '../../errors.ts'
import { tpName } from '../../kafka/types.ts'
import type { DeadLetter } from '../sink.ts'
import type { Dialect } from './dialect.ts'
import type { OwnedPartition } from './fence.ts'
import type { Session } from './session.ts'
import { join, type Sql, sql } from './statement.ts'

/** Statements are split so that one does not outgrow what the server takes. */
const statementBytes = 1024 * 1024
const statementRows = 1000
const messageLength = 4000

/**
 * Stores the records; part of the batch's transaction. A record that is already there (its offset was read again
 * after a reset) gets the new error and one attempt more, and is pending again.
 */
export async function writeDeadLetters(
  session: Session,
  dialect: Dialect,
  at: OwnedPartition,
  letters: readonly DeadLetter[],
): Promise<void> {
  let rows: Sql[] = []
  let bytes = 0
  for (const letter of letters) {
    const size = letterBytes(letter)
    requireRoom(session, at, letter, size)
    if (rows.length > 0 && (bytes + size > statementBytes || rows.length === statementRows)) {
      await insert(session, dialect, rows)
      rows = []
      bytes = 0
    }
    rows.push(letterRow(at, letter))
    bytes += size
  }
  if (rows.length > 0) await insert(session, dialect, rows)
}

async function insert(session: Session, dialect: Dialect, rows: readonly Sql[]): Promise<void> {
  const replaced = [
    'key',
    'value',
    'headers',
    'record_timestamp',
    'schema_id',
    'error_class',
    'error_message',
  ]
  await session.query(sql`
    INSERT INTO etl_dead_letters
      (topic, "partition", "offset", consumer_group, "key", "value", headers, record_timestamp, schema_id,
       error_class, error_message)
    VALUES ${join(rows, ', ')}
    ${dialect.onDuplicate(
      session,
      ['topic', 'partition', 'offset', 'consumer_group'],
      [
        ['attempts', sql`etl_dead_letters.attempts + 1`],
        ['replayed_at', sql`NULL`],
        ['outcome', sql`NULL`],
        ...replaced.map((column) => [column, dialect.proposed(session, column)] as const),
      ],
    )}`)
}

function letterRow(at: OwnedPartition, { record, schemaId, errorClass, message }: DeadLetter): Sql {
  return sql`(${at.topic}, ${at.partition}, ${record.offset}, ${at.group}, ${record.key}, ${record.value},
    ${headersJson(record.headers)}, ${record.timestamp}, ${schemaId}, ${errorClass.slice(0, 64)}, ${storable(message)})`
}

/** Header values are bytes; the text is plain JSON on every database. */
function headersJson(headers: DeadLetter['record']['headers']): string {
  return JSON.stringify(
    headers.map(([name, value]) => [name, value === null ? null : value.toString('base64')]),
  )
}

/** A message may quote the very text that the database refused. */
export function storable(message: string): string {
  return message.slice(0, messageLength).toWellFormed().replaceAll('\0', '\u2400')
}

/** Bytes of the record in a statement, where binary values are written in hex. */
function letterBytes({ record, message }: DeadLetter): number {
  const headers = record.headers.reduce(
    (sum, [name, value]) => sum + name.length * 6 + (value?.length ?? 0) * 2,
    0,
  )
  return 2 * ((record.key?.length ?? 0) + (record.value?.length ?? 0)) + headers + 4 * message.length + 1000
}

function requireRoom(session: Session, at: OwnedPartition, letter: DeadLetter, size: number): void {
  if (size <= session.server.maxStatementBytes) return
  throw new ConfigError(`a rejected record of ${size} bytes does not fit into one statement`, {
    where: `${tpName(at)} offset ${letter.record.offset}`,
    cause: `the server takes statements of ${session.server.maxStatementBytes} bytes: ${letter.message}`,
    next:
      session.server.product === 'PostgreSQL'
        ? `to pass it by, set "offset" in kafka_offsets to ${letter.record.offset + 1n} while no consumer runs`
        : `SET GLOBAL max_allowed_packet = ${2 ** Math.ceil(Math.log2(size))}`,
  })
}
