import type { ColumnType } from '../../schema/table-spec.ts'
import { maxGroupLength } from '../sink.ts'

/** The tables that `etl` keeps beside the rows, in the connection's own schema or database. */
export interface BookkeepingTable {
  readonly table: string
  readonly columns: readonly BookkeepingColumn[]
  readonly primaryKey: readonly string[]
}

export interface BookkeepingColumn {
  readonly name: string
  readonly type: ColumnType
  readonly nullable?: boolean
  /** SQL of the default, the same for every dialect. */
  readonly default?: string
  /** An older program's column of this name may have any type. */
  readonly anyType?: boolean
}

const topic: BookkeepingColumn = { name: 'topic', type: { kind: 'string', maxLength: 249 } }
const partition: BookkeepingColumn = { name: 'partition', type: { kind: 'int32' } }
const consumerGroup: BookkeepingColumn = {
  name: 'consumer_group',
  type: { kind: 'string', maxLength: maxGroupLength },
}
const int64 = { kind: 'int64' } as const
const text = { kind: 'string' } as const
const moment = { kind: 'timestamp', zoned: true, precision: 6 } as const
const now = 'CURRENT_TIMESTAMP(6)'

/**
 * One row a partition and group: where to go on, and who may. The first four columns are those of older programs,
 * whose tables are taken over by adding the others.
 */
export const offsetsTable: BookkeepingTable = {
  table: 'kafka_offsets',
  columns: [
    topic,
    partition,
    consumerGroup,
    /** The next one to read. */
    { name: 'offset', type: int64 },
    /** Counts the claims; a lane writes only while it is the one that it was given. */
    { name: 'owner_epoch', type: int64, default: '0' },
    { name: 'owner', type: { kind: 'string', maxLength: 255 }, nullable: true },
    /** null until the first claim binds the offsets to a cluster and a topic. */
    { name: 'cluster_id', type: { kind: 'string', maxLength: 255 }, nullable: true },
    { name: 'topic_id', type: { kind: 'string', maxLength: 64 }, nullable: true },
    { name: 'updated_at', type: moment, default: now, anyType: true },
  ],
  primaryKey: ['topic', 'partition', 'consumer_group'],
}

/**
 * One row a committed batch. Within an epoch offsets only grow, so that epoch and first offset name a batch, also when
 * a reset made a later epoch read the same offsets again; ordered by both, they are in the order of the commits.
 */
export const ledgerTable: BookkeepingTable = {
  table: 'etl_ledger',
  columns: [
    topic,
    partition,
    consumerGroup,
    { name: 'owner_epoch', type: int64 },
    { name: 'first_offset', type: int64 },
    { name: 'next_offset', type: int64 },
    { name: 'read', type: int64 },
    { name: 'written', type: int64 },
    { name: 'filtered', type: int64 },
    { name: 'dead_lettered', type: int64 },
    /** Sum of the records' digests modulo 2^64. */
    { name: 'digest', type: { kind: 'decimal', precision: 20, scale: 0 } },
    { name: 'committed_at', type: moment, default: now },
  ],
  primaryKey: ['topic', 'partition', 'consumer_group', 'owner_epoch', 'first_offset'],
}

/**
 * Records that could not become rows, with all that a replay needs. A replayed letter stays, for the books: what the ledger dead-lettered
 * is here, pending or replayed.
 */
export const deadLettersTable: BookkeepingTable = {
  table: 'etl_dead_letters',
  columns: [
    topic,
    partition,
    { name: 'offset', type: int64 },
    consumerGroup,
    { name: 'key', type: { kind: 'bytes' }, nullable: true },
    { name: 'value', type: { kind: 'bytes' }, nullable: true },
    /** JSON: [[name, base64 or null], …] in the record's order. */
    { name: 'headers', type: text },
    /** Milliseconds since the epoch, as in the log. */
    { name: 'record_timestamp', type: int64 },
    { name: 'schema_id', type: { kind: 'int64' }, nullable: true },
    { name: 'error_class', type: { kind: 'string', maxLength: 64 } },
    { name: 'error_message', type: text },
    { name: 'attempts', type: { kind: 'int32' }, default: '1' },
    { name: 'created_at', type: moment, default: now },
    /** null: pending. */
    { name: 'replayed_at', type: moment, nullable: true },
    /** The run of `etl dlq replay` that touched it last, whatever came of it. */
    { name: 'replay_id', type: { kind: 'string', maxLength: 255 }, nullable: true },
    /** What a replay made of it: `stored`, or `superseded` by a newer record of the same key. */
    { name: 'outcome', type: { kind: 'string', maxLength: 16 }, nullable: true },
  ],
  primaryKey: ['topic', 'partition', 'offset', 'consumer_group'],
}

export const bookkeepingTables: readonly BookkeepingTable[] = [offsetsTable, ledgerTable, deadLettersTable]
