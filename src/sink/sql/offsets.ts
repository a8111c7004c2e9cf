import type { StoredOffset } from '../sink.ts'
import { offsetsTable } from './bookkeeping.ts'
import type { ExistingTable } from './existing.ts'
import type { Session, SqlRow } from './session.ts'
import { ident, join, raw, sql } from './statement.ts'

/**
 * Rows of kafka_offsets by partition. Columns that an older program's table lacks read as what a claim would find: epoch 0, no
 * owner, not bound to a cluster or topic.
 */
export async function readOffsets(
  session: Session,
  existing: ExistingTable,
  topic: string,
  group: string,
): Promise<ReadonlyMap<number, StoredOffset>> {
  const names = new Set(existing.columns.map(({ name }) => name))
  const columns = offsetsTable.columns.map(({ name }) =>
    names.has(name)
      ? sql`${ident(name)} AS ${ident(`stored_${name}`)}`
      : sql`NULL AS ${ident(`stored_${name}`)}`,
  )
  const { rows } = await session.query(sql`
    SELECT ${join(columns, ', ')} FROM ${raw(offsetsTable.table)}
    WHERE topic = ${topic} AND consumer_group = ${group}
    ORDER BY "partition"`)
  return new Map(rows.map((row) => [Number(row.stored_partition), storedOffset(row)]))
}

function storedOffset(row: SqlRow): StoredOffset {
  return {
    offset: BigInt(row.stored_offset ?? 0),
    epoch: BigInt(row.stored_owner_epoch ?? 0),
    owner: row.stored_owner ?? null,
    clusterId: row.stored_cluster_id ?? null,
    topicId: row.stored_topic_id ?? null,
    updatedAt: utcTime(row.stored_updated_at ?? null),
  }
}

/** `2026-01-31 12:00:00.123456`, with or without `+00`: sessions run in UTC. */
export function utcTime(text: string | null): Date {
  if (text === null) return new Date(0)
  return new Date(`${text.replace(' ', 'T').replace(/([+-]00(:?00)?)$/, '')}Z`)
}
