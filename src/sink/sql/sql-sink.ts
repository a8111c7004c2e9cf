import { ConfigError } from '../../errors.ts'
import type { TopicPartition } from '../../kafka/types.ts'
import { tpName } from '../../kafka/types.ts'
import { provenanceColumns, type TableSpec } from '../../schema/table-spec.ts'
import type {
  Books,
  BooksRequest,
  Change,
  Finding,
  Lane,
  Owner,
  Sink,
  SinkConfig,
  StoredOffset,
  TableInfo,
} from '../sink.ts'
import { executeChanges, requireConsents } from './apply.ts'
import { BatchWriter } from './batch-writer.ts'
import { bookkeepingTables, ledgerTable, offsetsTable } from './bookkeeping.ts'
import { checkSettings, unreachableFinding } from './check.ts'
import { claimPartition } from './claim.ts'
import type { Dialect } from './dialect.ts'
import { diffTable } from './diff.ts'
import type { ExistingTable } from './existing.ts'
import { explain, SqlFailure } from './failure.ts'
import { SqlLane } from './lane.ts'
import { sumLedger } from './ledger.ts'
import { readOffsets } from './offsets.ts'
import { SessionPool } from './pool.ts'
import { retryDelay, sleep } from './retry.ts'
import { countTableRows } from './row-count.ts'
import { type Session, type SessionLimits, serverName } from './session.ts'
import { parseTableName, tableText } from './table-name.ts'
import { keyOf, wantedBookkeeping, wantedTarget } from './wanted.ts'

const claimAttempts = 5

/** A database as a sink; what differs between databases is in the dialect. The contract is on `Sink`. */
export class SqlSink implements Sink {
  readonly kind: SinkConfig['kind']
  readonly #dialect: Dialect
  readonly #config: SinkConfig
  readonly #limits: SessionLimits
  readonly #pool: SessionPool

  constructor(dialect: Dialect, config: SinkConfig, limits: SessionLimits) {
    this.kind = dialect.kind
    this.#dialect = dialect
    this.#config = config
    this.#limits = limits
    this.#pool = new SessionPool(() => this.#open())
  }

  async check(): Promise<Finding[]> {
    try {
      return await this.#pool.with((session) => checkSettings(session, this.#dialect, this.#config))
    } catch (err) {
      return [unreachableFinding(this.#config, err as Error)]
    }
  }

  async plan(table: TableSpec): Promise<Change[]> {
    const wanted = [...bookkeepingTables.map(wantedBookkeeping), wantedTarget(table, this.#dialect)]
    return this.#ask(`the plan for ${table.table}`, async (session) => {
      const changes: Change[] = []
      for (const one of wanted) {
        const existing = await this.#dialect.readTable(session, one.table)
        changes.push(...diffTable(one, existing, this.#dialect, session))
      }
      return changes
    })
  }

  async apply(changes: readonly Change[], consents: ReadonlySet<string> = new Set()): Promise<void> {
    requireConsents(changes, consents)
    if (changes.length === 0) return
    await this.#ask('apply', (session) => executeChanges(session, changes))
  }

  async describe(table: string): Promise<TableInfo | undefined> {
    const existing = await this.#read(table)
    if (existing === undefined) return undefined
    return {
      table,
      columns: existing.columns.map(({ name, nativeType, nullable, hasDefault }) => ({
        name,
        nativeType,
        nullable,
        hasDefault,
      })),
      primaryKey: existing.primaryKey,
    }
  }

  async claim(tp: TopicPartition, owner: Owner): Promise<Lane> {
    const writer = this.#writer(tp, owner)
    for (let attempt = 1; ; attempt++) {
      const session = await this.#open()
      try {
        const claimed = await claimPartition(session, this.#dialect, tp, owner)
        return new SqlLane({
          dialect: this.#dialect,
          at: { topic: tp.topic, partition: tp.partition, group: owner.group },
          target: owner.target,
          claimed,
          session,
          open: () => this.#dialect.open(this.#config, this.#limits),
          writer,
          limits: this.#limits,
          server: serverName(this.#config),
        })
      } catch (err) {
        await session.close()
        if (!(err instanceof SqlFailure && err.kind === 'conflict') || attempt === claimAttempts) {
          throw explain(err, 'the partition was not claimed', `${tpName(tp)} in ${serverName(this.#config)}`)
        }
        await sleep(retryDelay(attempt))
      }
    }
  }

  async offsets(topic: string, group: string): Promise<ReadonlyMap<number, StoredOffset>> {
    return this.#ask('the stored offsets', async (session) => {
      const table = await this.#dialect.readTable(session, wantedBookkeeping(offsetsTable).table)
      return table === undefined ? new Map() : readOffsets(session, table, topic, group)
    })
  }

  async books({ topic, group, table, ledgerFrom }: BooksRequest): Promise<Books> {
    const name = parseTableName(table)
    return this.#ask(`the books of ${table}`, async (session) => {
      await session.beginSnapshot()
      const existing = await this.#dialect.readTable(session, name)
      if (existing === undefined) {
        throw new ConfigError(`table ${tableText(name)} does not exist`, {
          where: serverName(this.#config),
          next: 'etl plan',
        })
      }
      const offsets = await this.#dialect.readTable(session, wantedBookkeeping(offsetsTable).table)
      const ledger = await this.#dialect.readTable(session, wantedBookkeeping(ledgerTable).table)
      const columns = new Set(existing.columns.map((column) => column.name))
      const provenance = columns.has(provenanceColumns.partition) && columns.has(provenanceColumns.offset)
      const books = {
        offsets: offsets ? await readOffsets(session, offsets, topic, group) : new Map(),
        ledger: ledger ? await sumLedger(session, topic, group, ledgerFrom) : new Map(),
        rows: await countTableRows(session, name, provenance),
      }
      await session.rollback()
      return books
    })
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }

  #writer(tp: TopicPartition, owner: Owner): BatchWriter {
    const { table: spec, mode } = owner.target
    const { table } = wantedTarget(spec, this.#dialect)
    const key = keyOf(spec)
    if (mode === 'upsert' && key.length === 0) {
      throw new ConfigError(`upsert into ${spec.table} needs a primary key`, {
        where: tpName(tp),
        next: 'name the key fields (--key FIELD), or use --mode insert',
      })
    }
    const target = { table, spec, partition: tp.partition, key }
    return new BatchWriter(this.#dialect, tp.topic, target, owner.target)
  }

  #read(table: string): Promise<ExistingTable | undefined> {
    const name = parseTableName(table)
    return this.#ask(`table ${table}`, (session) => this.#dialect.readTable(session, name))
  }

  /** One call on a session of the pool; failures as users meet them. */
  async #ask<T>(what: string, use: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await this.#pool.with(use)
    } catch (err) {
      throw explain(err, what, serverName(this.#config))
    }
  }

  async #open(): Promise<Session> {
    try {
      return await this.#dialect.open(this.#config, this.#limits)
    } catch (err) {
      throw explain(err, `no connection to ${this.#dialect.kind}`, serverName(this.#config))
    }
  }
}
