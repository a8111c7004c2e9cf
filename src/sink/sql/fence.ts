import type { TopicPartition } from '../../kafka/types.ts'
import type { Session } from './session.ts'
import { sql } from './statement.ts'

export interface OwnedPartition extends TopicPartition {
  readonly group: string
}

export interface FenceRow {
  readonly offset: bigint
  readonly epoch: bigint
  readonly owner: string | null
}

/**
 * The fence: moves the stored offset on, if it is still the one that this batch starts at and the partition still has
 * this owner. Last statement of every transaction; resolves to false when the transaction must not be committed.
 */
export async function advance(
  session: Session,
  at: OwnedPartition,
  epoch: bigint,
  expected: bigint,
  next: bigint,
): Promise<boolean> {
  const { affected } = await session.query(sql`
    UPDATE kafka_offsets
    SET "offset" = ${next}, updated_at = CURRENT_TIMESTAMP(6)
    WHERE topic = ${at.topic} AND "partition" = ${at.partition} AND consumer_group = ${at.group}
      AND "offset" = ${expected} AND owner_epoch = ${epoch}`)
  return affected === 1
}

/** What is stored now; undefined when the row is gone. */
export async function readFence(session: Session, at: OwnedPartition): Promise<FenceRow | undefined> {
  const { rows } = await session.query(sql`
    SELECT "offset" AS next_offset, owner_epoch, owner
    FROM kafka_offsets
    WHERE topic = ${at.topic} AND "partition" = ${at.partition} AND consumer_group = ${at.group}`)
  return fenceRow(rows[0])
}

/**
 * The same, but waits for a transaction that holds the row: a COMMIT whose answer was lost may still be under way on
 * the server, and its fence has locked the row. After this read its outcome is final.
 */
export async function readSettledFence(session: Session, at: OwnedPartition): Promise<FenceRow | undefined> {
  await session.begin()
  const { rows } = await session.query(sql`
    SELECT "offset" AS next_offset, owner_epoch, owner
    FROM kafka_offsets
    WHERE topic = ${at.topic} AND "partition" = ${at.partition} AND consumer_group = ${at.group}
    FOR UPDATE`)
  await session.rollback()
  return fenceRow(rows[0])
}

function fenceRow(row: Readonly<Record<string, string | null>> | undefined): FenceRow | undefined {
  if (row === undefined) return undefined
  return {
    offset: BigInt(row.next_offset ?? 0),
    epoch: BigInt(row.owner_epoch ?? 0),
    owner: row.owner ?? null,
  }
}
