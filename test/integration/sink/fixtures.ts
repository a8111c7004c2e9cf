import { randomBytes } from 'node:crypto'
import type { KafkaRecord } from '../../../src/kafka/types.ts'
import type { ColumnSpec, ColumnType, SqlValue, TableSpec } from '../../../src/schema/table-spec.ts'
import type { Books, EncodedBatch, Lane, LaneTarget, Owner, Row, Sink } from '../../../src/sink/sink.ts'
import type { TestDatabase } from './database.ts'

/** What the parts of the contract suite get; filled before the first test. */
export interface Context {
  readonly kind: 'postgres' | 'mysql'
  readonly database: TestDatabase
  readonly sink: Sink
}

export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(4).toString('hex')}`
}

export function column(name: string, type: ColumnType, nullable = false): ColumnSpec {
  return { name, type, nullable, source: { from: 'value', path: [name] } }
}

/** An append table: id and a text of at most ten characters. */
export function appendTable(table = uniqueName('append')): TableSpec {
  return {
    table,
    columns: [column('id', { kind: 'int64' }), column('name', { kind: 'string', maxLength: 10 }, true)],
    primaryKey: [],
    provenance: true,
  }
}

/** A table with a key from the data. */
export function keyedTable(table = uniqueName('keyed')): TableSpec {
  return { ...appendTable(table), primaryKey: ['id'] }
}

export function record(offset: bigint, value: Buffer | null = Buffer.from(`value ${offset}`)): KafkaRecord {
  return { offset, timestamp: 1_700_000_000_000n, key: Buffer.from(`key ${offset}`), value, headers: [] }
}

export function row(offset: bigint, values: readonly SqlValue[], op: Row['op'] = 'write'): Row {
  return { op, record: record(offset), values }
}

export function batch(
  firstOffset: bigint,
  rows: readonly Row[],
  more: Partial<EncodedBatch> = {},
): EncodedBatch {
  const rejected = more.rejected ?? []
  const filtered = more.filtered ?? 0
  const read = rows.length + rejected.length + filtered
  return {
    firstOffset,
    nextOffset: firstOffset + BigInt(read),
    read,
    filtered,
    rows,
    rejected,
    digest: 7n,
    ...more,
  }
}

/** Rows id = offset, name = `row ID`, for offsets [first, first + count). */
export function plainRows(first: bigint, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const offset = first + BigInt(i)
    return row(offset, [offset, `row ${offset}`])
  })
}

export interface Place {
  readonly topic: string
  readonly group: string
  readonly spec: TableSpec
}

/** A table that exists, with a topic and group that nobody else uses. */
export async function preparePlace(sink: Sink, spec: TableSpec = appendTable()): Promise<Place> {
  await sink.apply(await sink.plan(spec))
  return { topic: uniqueName('topic'), group: uniqueName('group'), spec }
}

export function owner(place: Place, more: Partial<Owner> = {}, target: Partial<LaneTarget> = {}): Owner {
  return {
    group: place.group,
    name: 'test',
    clusterId: 'cluster-1',
    topicId: 'topic-1',
    initialOffset: 0n,
    target: { table: place.spec, mode: 'insert', ledger: true, onError: 'dlq', ...target },
    ...more,
  }
}

export function claim(sink: Sink, place: Place, target: Partial<LaneTarget> = {}): Promise<Lane> {
  return sink.claim({ topic: place.topic, partition: 0 }, owner(place, {}, target))
}

/** What a look at the database needs; identifiers are in double quotes. */
export type Looked = Pick<TestDatabase, 'sql'>

/** Ids in the table, in order. */
export async function storedIds(database: Looked, spec: TableSpec): Promise<string[]> {
  return (await database.sql(`SELECT id FROM "${spec.table}" ORDER BY id`)).map(([id]) => id ?? 'null')
}

export async function storedOffset(database: Looked, place: Place): Promise<string | null | undefined> {
  const rows = await database.sql(`SELECT "offset" FROM kafka_offsets WHERE topic = '${place.topic}'`)
  return rows[0]?.[0]
}

export async function deadLetters(database: Looked, place: Place): Promise<(string | null)[][]> {
  return database.sql(
    `SELECT "offset", error_class, attempts FROM etl_dead_letters WHERE topic = '${place.topic}' ORDER BY "offset"`,
  )
}

/** Offsets, ledger and rows, with a log that begins at 0. */
export function booksOf(
  sink: Sink,
  { topic, group, spec }: { topic: string; group: string; spec: { table: string } },
): Promise<Books> {
  return sink.books({ topic, group, table: spec.table, ledgerFrom: new Map() })
}
