import type { EncodedBatch, LedgerSum } from '../sink.ts'
import type { OwnedPartition } from './fence.ts'
import type { Session } from './session.ts'
import { sql } from './statement.ts'

/** Writes the batch's line; part of the batch's transaction. */
export async function writeLedger(
  session: Session,
  at: OwnedPartition,
  epoch: bigint,
  batch: EncodedBatch,
  counts: { written: number; deadLettered: number },
): Promise<void> {
  await session.query(sql`
    INSERT INTO etl_ledger
      (topic, "partition", consumer_group, owner_epoch, first_offset, next_offset,
       "read", written, filtered, dead_lettered, digest)
    VALUES
      (${at.topic}, ${at.partition}, ${at.group}, ${epoch}, ${batch.firstOffset}, ${batch.nextOffset},
       ${batch.read}, ${counts.written}, ${batch.filtered}, ${counts.deadLettered}, ${BigInt.asUintN(64, batch.digest)})`)
}

/**
 * Sums by partition. Batches are compared in the order of their commits (epoch, then first offset): one that starts
 * behind the end of the one before it is a hole, one that starts before that end an overlap.
 */
export async function sumLedger(
  session: Session,
  topic: string,
  group: string,
  from: ReadonlyMap<number, bigint> = new Map(),
): Promise<ReadonlyMap<number, LedgerSum>> {
  const { rows } = await session.query(sql`
    SELECT "partition" AS part, COUNT(*) AS batches, MIN(first_offset) AS first_offset, MAX(next_offset) AS next_offset,
           SUM("read") AS records_read, SUM(written) AS written, SUM(filtered) AS filtered,
           SUM(dead_lettered) AS dead_lettered,
           SUM(CASE WHEN first_offset > previous_next THEN 1 ELSE 0 END) AS holes,
           SUM(CASE WHEN first_offset < previous_next THEN 1 ELSE 0 END) AS overlaps
    FROM (
      SELECT l.*, LAG(next_offset) OVER (PARTITION BY "partition" ORDER BY owner_epoch, first_offset) AS previous_next
      FROM etl_ledger l
      WHERE topic = ${topic} AND consumer_group = ${group}
    ) ordered
    GROUP BY "partition"`)
  const sums = new Map<number, LedgerSum>()
  for (const row of rows) {
    const partition = Number(row.part)
    const firstOffset = BigInt(row.first_offset ?? 0)
    const read = BigInt(row.records_read ?? 0)
    const start = from.get(partition) ?? firstOffset
    const since =
      start <= firstOffset
        ? { readSince: read, firstSince: firstOffset }
        : await sumSince(session, topic, group, partition, start)
    sums.set(partition, {
      batches: BigInt(row.batches ?? 0),
      firstOffset,
      nextOffset: BigInt(row.next_offset ?? 0),
      read,
      ...since,
      written: BigInt(row.written ?? 0),
      filtered: BigInt(row.filtered ?? 0),
      deadLettered: BigInt(row.dead_lettered ?? 0),
      holes: BigInt(row.holes ?? 0),
      overlaps: BigInt(row.overlaps ?? 0),
    })
  }
  return sums
}

/** Of the batches that begin at `start` or later; only asked where retention has removed older ones from the log. */
async function sumSince(
  session: Session,
  topic: string,
  group: string,
  partition: number,
  start: bigint,
): Promise<Pick<LedgerSum, 'readSince' | 'firstSince'>> {
  const { rows } = await session.query(sql`
    SELECT SUM("read") AS records_read, MIN(first_offset) AS first_offset
    FROM etl_ledger
    WHERE topic = ${topic} AND "partition" = ${partition} AND consumer_group = ${group} AND first_offset >= ${start}`)
  const first = rows[0]?.first_offset ?? null
  return { readSince: BigInt(rows[0]?.records_read ?? 0), firstSince: first === null ? null : BigInt(first) }
}
