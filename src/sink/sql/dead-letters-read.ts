import type { RecordHeader } from '../../kafka/types.ts'
import type { FiledLetter, LetterCount, LetterPage, LetterQuery, ReplayedAs } from '../letters.ts'
import type { LetterSum } from '../sink.ts'
import type { Dialect } from './dialect.ts'
import type { ExistingTable } from './existing.ts'
import { utcTime } from './offsets.ts'
import type { Session, SqlRow } from './session.ts'
import { join, raw, type Sql, sql } from './statement.ts'

const bytes = { kind: 'bytes' } as const

/** Letters in the order of partition and offset. */
export async function readLetters(
  session: Session,
  { reading }: Dialect,
  query: LetterQuery,
  { after, limit }: LetterPage,
): Promise<FiledLetter[]> {
  const conditions = conditionsOf(query)
  if (after)
    conditions.push(
      sql`("partition" > ${after.partition} OR ("partition" = ${after.partition} AND "offset" > ${after.offset}))`,
    )
  const { rows } = await session.query(sql`
    SELECT "partition" AS part, "offset" AS place, ${reading.column('key', bytes)} AS key_hex,
           ${reading.column('value', bytes)} AS value_hex, headers, record_timestamp, schema_id, error_class,
           error_message, attempts, created_at, replayed_at, outcome
    FROM etl_dead_letters
    WHERE ${join(conditions, ' AND ')}
    ORDER BY "partition", "offset"
    LIMIT ${raw(String(Math.trunc(limit)))}`)
  return rows.map((row) => filedLetter(query, row))
}

export async function countLetters(session: Session, query: LetterQuery): Promise<LetterCount[]> {
  const { rows } = await session.query(sql`
    SELECT "partition" AS part, error_class, attempts, CASE WHEN replayed_at IS NULL THEN 0 ELSE 1 END AS replayed,
           COUNT(*) AS letters
    FROM etl_dead_letters
    WHERE ${join(conditionsOf(query), ' AND ')}
    GROUP BY "partition", error_class, attempts, CASE WHEN replayed_at IS NULL THEN 0 ELSE 1 END
    ORDER BY 1, 2, 3, 4`)
  return rows.map((row) => ({
    partition: Number(row.part),
    errorClass: row.error_class ?? '',
    state: row.replayed === '1' ? 'replayed' : 'pending',
    attempts: Number(row.attempts),
    letters: BigInt(row.letters ?? 0),
  }))
}

/** For the books. In a table that an older program made every letter is pending. */
export async function sumLetters(
  session: Session,
  existing: ExistingTable,
  topic: string,
  group: string,
): Promise<ReadonlyMap<number, LetterSum>> {
  const current = existing.columns.some(({ name }) => name === 'replayed_at')
  const state = current
    ? sql`CASE WHEN replayed_at IS NULL THEN 'pending' WHEN outcome = 'superseded' THEN 'superseded' ELSE 'stored' END`
    : sql`'pending'`
  const { rows } = await session.query(sql`
    SELECT part, state, COUNT(*) AS letters
    FROM (
      SELECT "partition" AS part, ${state} AS state FROM etl_dead_letters
      WHERE topic = ${topic} AND consumer_group = ${group}
    ) letter
    GROUP BY part, state`)
  const sums = new Map<number, LetterSum>()
  for (const row of rows) {
    const partition = Number(row.part)
    const before = sums.get(partition) ?? { pending: 0n, stored: 0n, superseded: 0n }
    sums.set(partition, { ...before, [row.state ?? 'pending']: BigInt(row.letters ?? 0) })
  }
  return sums
}

function conditionsOf(query: LetterQuery): Sql[] {
  const { topic, group, state, partitions, offset, errorClasses, since, attemptsBelow } = query
  const conditions = [sql`topic = ${topic}`, sql`consumer_group = ${group}`]
  if (state !== 'all')
    conditions.push(state === 'pending' ? sql`replayed_at IS NULL` : sql`replayed_at IS NOT NULL`)
  if (partitions && partitions.length > 0) conditions.push(among(sql`"partition"`, partitions))
  if (offset !== undefined) conditions.push(sql`"offset" = ${offset}`)
  if (errorClasses && errorClasses.length > 0) conditions.push(among(sql`error_class`, errorClasses))
  if (since) conditions.push(sql`created_at >= ${since.toISOString().replace('T', ' ').replace('Z', '')}`)
  if (attemptsBelow !== undefined) conditions.push(sql`attempts < ${attemptsBelow}`)
  return conditions
}

function among(column: Sql, values: readonly (string | number)[]): Sql {
  return sql`${column} IN (${join(
    values.map((value) => sql`${value}`),
    ', ',
  )})`
}

function filedLetter({ topic, group }: LetterQuery, row: SqlRow): FiledLetter {
  return {
    topic,
    partition: Number(row.part),
    group,
    record: {
      offset: BigInt(row.place ?? 0),
      timestamp: BigInt(row.record_timestamp ?? 0),
      key: fromHex(row.key_hex),
      value: fromHex(row.value_hex),
      headers: headersOf(row.headers),
    },
    schemaId: row.schema_id == null ? null : Number(row.schema_id),
    errorClass: row.error_class ?? '',
    message: row.error_message ?? '',
    attempts: Number(row.attempts),
    createdAt: utcTime(row.created_at ?? null),
    replayedAt: row.replayed_at == null ? null : utcTime(row.replayed_at),
    outcome: (row.outcome ?? null) as ReplayedAs | null,
  }
}

function fromHex(text: string | null | undefined): Buffer | null {
  return text == null ? null : Buffer.from(text, 'hex')
}

/** As `headersJson` of dead-letters.ts wrote them. */
function headersOf(text: string | null | undefined): RecordHeader[] {
  const headers = JSON.parse(text ?? '[]') as [string, string | null][]
  return headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value, 'base64')])
}
