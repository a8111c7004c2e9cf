import { UnreachableError } from '../../errors.ts'
import { type TopicPartition, tpName } from '../../kafka/types.ts'
import { IdentityError } from '../errors.ts'
import type { Owner } from '../sink.ts'
import type { Dialect } from './dialect.ts'
import { requireExactColumns } from './drift.ts'
import { explain, SqlFailure } from './failure.ts'
import { hangingUp } from './hang-up.ts'
import { retryDelay, sleep } from './retry.ts'
import type { Session } from './session.ts'
import { sql } from './statement.ts'

export interface Claimed {
  readonly offset: bigint
  readonly epoch: bigint
}

const claimAttempts = 5

export interface ClaimedSession {
  readonly claimed: Claimed
  /** The session that made the claim. */
  readonly session: Session
}

/**
 * Claims on a new session, and again while other transactions are in the way. Throws ConfigError before the claim when the table would round values. A claim can be given up at any moment: `signal`
 * ends it at once, in a wait for a lock too. Rejects with UnreachableError then.
 */
export async function claimWithRetries(
  open: () => Promise<Session>,
  dialect: Dialect,
  tp: TopicPartition,
  owner: Owner,
  server: string,
  signal?: AbortSignal,
): Promise<ClaimedSession> {
  const where = `${tpName(tp)} in ${server}`
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted) throw stopped(where)
    let session: Session | undefined
    try {
      const opened = await open()
      session = opened
      const claiming = requireExactColumns(opened, dialect, owner.target.table).then(() =>
        claimPartition(opened, dialect, tp, owner),
      )
      return { session: opened, claimed: await hangingUp(signal, () => opened.close(), claiming) }
    } catch (err) {
      await session?.close()
      if (signal?.aborted) throw stopped(where, err)
      if (!(err instanceof SqlFailure && err.kind === 'conflict') || attempt === claimAttempts) {
        throw explain(err, 'the partition was not claimed', where)
      }
      await sleep(retryDelay(attempt), signal)
    }
  }
}

function stopped(where: string, cause?: unknown): UnreachableError {
  return new UnreachableError('stopped while the partition was claimed', {
    where,
    cause,
    next: 'nothing to repair: the next owner claims it anew',
  })
}

/**
 * One transaction that makes `owner` the only one who can commit the partition. Throws IdentityError, and leaves the
 * row as it was, when the stored offset belongs to another cluster or topic. When COMMIT's answer is lost the caller claims again: an
 * epoch that nobody uses does no harm.
 */
async function claimPartition(
  session: Session,
  dialect: Dialect,
  tp: TopicPartition,
  owner: Owner,
): Promise<Claimed> {
  await session.begin()
  const claimed = await takeEpoch(session, dialect, tp, owner)
  requireIdentity(tp, owner, claimed)
  await session.commit()
  return claimed
}

interface ClaimedRow extends Claimed {
  readonly clusterId: string | null
  readonly topicId: string | null
}

async function takeEpoch(
  session: Session,
  dialect: Dialect,
  tp: TopicPartition,
  owner: Owner,
): Promise<ClaimedRow> {
  const proposed = (column: string) => dialect.proposed(session, column)
  // Kafka before 2.8 has no topic ids.
  const topicId = owner.topicId === '' ? null : owner.topicId
  await session.query(sql`
    INSERT INTO kafka_offsets
      (topic, "partition", consumer_group, "offset", owner_epoch, owner, cluster_id, topic_id, updated_at)
    VALUES
      (${tp.topic}, ${tp.partition}, ${owner.group}, ${owner.initialOffset}, 1, ${owner.name.slice(0, 255)},
       ${owner.clusterId}, ${topicId}, CURRENT_TIMESTAMP(6))
    ${dialect.onDuplicate(
      session,
      ['topic', 'partition', 'consumer_group'],
      [
        ['offset', sql`COALESCE(kafka_offsets."offset", ${proposed('offset')})`],
        ['owner_epoch', sql`kafka_offsets.owner_epoch + 1`],
        ['owner', proposed('owner')],
        ['cluster_id', sql`COALESCE(kafka_offsets.cluster_id, ${proposed('cluster_id')})`],
        ['topic_id', sql`COALESCE(kafka_offsets.topic_id, ${proposed('topic_id')})`],
        ['updated_at', sql`CURRENT_TIMESTAMP(6)`],
      ],
    )}`)
  const { rows } = await session.query(sql`
    SELECT "offset" AS next_offset, owner_epoch, cluster_id, topic_id
    FROM kafka_offsets
    WHERE topic = ${tp.topic} AND "partition" = ${tp.partition} AND consumer_group = ${owner.group}`)
  const row = rows[0]
  return {
    offset: BigInt(row?.next_offset ?? 0),
    epoch: BigInt(row?.owner_epoch ?? 0),
    clusterId: row?.cluster_id ?? null,
    topicId: row?.topic_id ?? null,
  }
}

function requireIdentity(tp: TopicPartition, owner: Owner, row: ClaimedRow): void {
  const next = `etl offsets reset --topic ${tp.topic} --group ${owner.group} --partition ${tp.partition}`
  if (row.clusterId !== owner.clusterId) {
    throw new IdentityError(
      `the stored offset ${row.offset} belongs to cluster ${row.clusterId}, this is cluster ${owner.clusterId}`,
      {
        where: tpName(tp),
        cause: 'the cluster was replaced or failed over: its offsets are not the same',
        next,
      },
    )
  }
  if (owner.topicId !== '' && row.topicId !== owner.topicId) {
    throw new IdentityError(
      `the stored offset ${row.offset} belongs to topic id ${row.topicId}, the topic now has ${owner.topicId}`,
      { where: tpName(tp), cause: 'the topic was deleted and created again: its offsets start anew', next },
    )
  }
}
