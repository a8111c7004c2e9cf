import { ConfigError } from '../../errors.ts'
import { provenanceColumns } from '../../schema/table-spec.ts'
import type { LedgerSum, StoredOffset } from '../sink.ts'
import type { LedgerBreak, LedgerStart, RowsRequest, Snapshot, StoredLetter, StoredRow } from '../snapshot.ts'
import { deadLettersTable, ledgerTable, offsetsTable } from './bookkeeping.ts'
import type { Dialect } from './dialect.ts'
import type { ExistingTable } from './existing.ts'
import { explain } from './failure.ts'
import { sumLedger } from './ledger.ts'
import { readOffsets } from './offsets.ts'
import type { Session, SessionLimits, SqlRow } from './session.ts'
import { ident, join, type Sql, sql } from './statement.ts'
import { type StoredText, storedText } from './stored-text.ts'
import { parseTableName, type TableName, tableIdent, tableText } from './table-name.ts'
import { wantedBookkeeping } from './wanted.ts'

/** Sorting a large table takes minutes before its first row comes, and a reader waits for the log between its pages. */
export function snapshotLimits(limits: SessionLimits): SessionLimits {
  return { ...limits, statement: Math.max(limits.statement, 1_800_000), idleInTransaction: 3_600_000 }
}

/** A snapshot transaction on a session of its own; `close()` ends both. */
export class SqlSnapshot implements Snapshot {
  readonly #session: Session
  readonly #dialect: Dialect
  readonly #server: string

  private constructor(session: Session, dialect: Dialect, server: string) {
    this.#session = session
    this.#dialect = dialect
    this.#server = server
  }

  /** Begins the transaction. Closes the session when that fails. */
  static async begin(session: Session, dialect: Dialect, server: string): Promise<Snapshot> {
    const snapshot = new SqlSnapshot(session, dialect, server)
    try {
      await snapshot.#ask('the snapshot', async () => {
        await session.beginSnapshot()
        await session.query(dialect.reading.settings)
      })
    } catch (error) {
      await session.close()
      throw error
    }
    return snapshot
  }

  offsets(topic: string, group: string): Promise<ReadonlyMap<number, StoredOffset>> {
    return this.#ask('the stored offsets', async () => {
      const table = await this.#bookkeeping(offsetsTable)
      return table ? readOffsets(this.#session, table, topic, group) : new Map()
    })
  }

  groups(topic: string): Promise<ReadonlySet<string>> {
    return this.#ask('the groups', async () => {
      if (!(await this.#bookkeeping(offsetsTable))) return new Set<string>()
      const { rows } = await this.#session.query(
        sql`SELECT DISTINCT consumer_group AS name FROM kafka_offsets WHERE topic = ${topic}`,
      )
      return new Set(rows.map((row) => row.name ?? ''))
    })
  }

  ledger(
    topic: string,
    group: string,
    from: ReadonlyMap<number, bigint>,
  ): Promise<ReadonlyMap<number, LedgerSum>> {
    return this.#ask('the ledger', async () =>
      (await this.#bookkeeping(ledgerTable)) ? sumLedger(this.#session, topic, group, from) : new Map(),
    )
  }

  ledgerBreaks(topic: string, group: string, partition: number, limit: number): Promise<LedgerBreak[]> {
    return this.#ask('the ledger', async () => {
      const { rows } = await this.#session.query(sql`
        SELECT owner_epoch AS epoch, first_offset, previous_next
        FROM (
          SELECT owner_epoch, first_offset,
                 LAG(next_offset) OVER (ORDER BY owner_epoch, first_offset) AS previous_next
          FROM etl_ledger
          WHERE topic = ${topic} AND consumer_group = ${group} AND "partition" = ${partition}
        ) ordered
        WHERE first_offset <> previous_next
        ORDER BY owner_epoch, first_offset
        LIMIT ${limit}`)
      return rows.map((row) => ({
        epoch: BigInt(row.epoch ?? 0),
        firstOffset: BigInt(row.first_offset ?? 0),
        previousNext: BigInt(row.previous_next ?? 0),
      }))
    })
  }

  firstBatch(topic: string, group: string, partition: number): Promise<LedgerStart | undefined> {
    return this.#ask('the ledger', async () => {
      if (!(await this.#bookkeeping(ledgerTable))) return undefined
      const { rows } = await this.#session.query(sql`
        SELECT owner_epoch AS epoch, first_offset FROM etl_ledger
        WHERE topic = ${topic} AND consumer_group = ${group} AND "partition" = ${partition}
        ORDER BY owner_epoch, first_offset LIMIT 1`)
      const [first] = rows
      return first && { epoch: BigInt(first.epoch ?? 0), firstOffset: BigInt(first.first_offset ?? 0) }
    })
  }

  async *letters(topic: string, group: string, partition: number): AsyncGenerator<readonly StoredLetter[]> {
    const table = await this.#ask('the dead letters', () => this.#bookkeeping(deadLettersTable))
    if (!table) return
    const pages = this.#session.stream(sql`
      SELECT "offset" AS place, ${replayed(table)} AS replayed FROM etl_dead_letters
      WHERE topic = ${topic} AND consumer_group = ${group} AND "partition" = ${partition}
      ORDER BY "offset"`)
    for await (const page of this.#explained('the dead letters', pages)) {
      yield page.map((row) => ({ offset: BigInt(row.place ?? 0), replayed: row.replayed === '1' }))
    }
  }

  rowCounts(table: string): Promise<ReadonlyMap<number | null, bigint>> {
    return this.#ask(`the rows of ${table}`, async () => {
      const name = parseTableName(table)
      const existing = await this.#target(name)
      const partition = ident(provenanceColumns.partition)
      const known = existing.columns.some((column) => column.name === provenanceColumns.partition)
      const { rows } = await this.#session.query(
        known
          ? sql`SELECT ${partition} AS part, COUNT(*) AS total FROM ${tableIdent(name)} GROUP BY ${partition}`
          : sql`SELECT NULL AS part, COUNT(*) AS total FROM ${tableIdent(name)}`,
      )
      return new Map(
        rows.map((row) => [row.part == null ? null : Number(row.part), BigInt(row.total ?? 0)] as const),
      )
    })
  }

  async *rows(request: RowsRequest): AsyncGenerator<readonly StoredRow[]> {
    const name = parseTableName(request.table)
    await this.#ask(`the rows of ${request.table}`, () => this.#target(name))
    const read = rowReader(request)
    const pages = this.#session.stream(selectRows(request, name, this.#dialect))
    for await (const page of this.#explained(`the rows of ${request.table}`, pages)) yield page.map(read)
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  #bookkeeping(table: Parameters<typeof wantedBookkeeping>[0]): Promise<ExistingTable | undefined> {
    return this.#dialect.readTable(this.#session, wantedBookkeeping(table).table)
  }

  async #target(name: TableName): Promise<ExistingTable> {
    const existing = await this.#dialect.readTable(this.#session, name)
    if (existing) return existing
    throw new ConfigError(`table ${tableText(name)} does not exist`, {
      where: this.#server,
      next: 'etl plan',
    })
  }

  async #ask<T>(what: string, use: () => Promise<T>): Promise<T> {
    try {
      return await use()
    } catch (error) {
      throw explain(error, what, this.#server)
    }
  }

  async *#explained<T>(what: string, pages: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* pages
    } catch (error) {
      throw explain(error, what, this.#server)
    }
  }
}

function selectRows(request: RowsRequest, name: TableName, { reading }: Dialect): Sql {
  const { columns, provenance, place, orderColumn } = request
  const partition = ident(provenanceColumns.partition)
  const offset = ident(provenanceColumns.offset)
  const selected = columns.map(
    (column, i) => sql`${reading.column(column.name, column.type)} AS ${ident(`c${i}`)}`,
  )
  if (provenance) selected.push(sql`${partition} AS part`, sql`${offset} AS place`)
  if (orderColumn !== undefined) selected.push(sql`${ident(orderColumn)} AS turn`)
  const select = sql`SELECT ${join(selected, ', ')} FROM ${tableIdent(name)}`
  if (!place) return select
  const from = sql`${select} WHERE ${partition} = ${place.partition} AND ${offset} >= ${place.from}`
  const within = place.to === undefined ? from : sql`${from} AND ${offset} < ${place.to}`
  return sql`${within} ORDER BY ${partition}, ${offset}`
}

function rowReader({ columns }: RowsRequest): (row: SqlRow) => StoredRow {
  const reads: readonly (readonly [name: string, text: StoredText])[] = columns.map(
    ({ type }, i) => [`c${i}`, storedText(type)] as const,
  )
  return (row) => ({
    partition: row.part == null ? null : Number(row.part),
    offset: row.place == null ? null : BigInt(row.place),
    order: row.turn ?? null,
    values: reads.map(([name, text]) => {
      const value = row[name]
      return value == null ? null : text(value)
    }),
  })
}

function replayed({ columns }: ExistingTable): Sql {
  return columns.some(({ name }) => name === 'replayed_at')
    ? sql`CASE WHEN replayed_at IS NULL THEN 0 ELSE 1 END`
    : sql`0`
}
