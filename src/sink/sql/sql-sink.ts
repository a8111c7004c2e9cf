import { ConfigError } from '../../errors.ts'
import type { TopicPartition } from '../../kafka/types.ts'
import { tpName } from '../../kafka/types.ts'
import { provenanceColumns, type TableSpec } from '../../schema/table-spec.ts'
import type {
  FiledLetter,
  LetterBox,
  LetterCount,
  LetterPage,
  LetterQuery,
  ReplayReceipt,
  ReplayRequest,
} from '../letters.ts'
import type {
  Books,
  BooksRequest,
  Change,
  Finding,
  Lane,
  LaneTarget,
  Owner,
  Sink,
  SinkConfig,
  StoredOffset,
  TableInfo,
} from '../sink.ts'
import type { Snapshot } from '../snapshot.ts'
import { executeChanges, requireConsents } from './apply.ts'
import { BatchWriter } from './batch-writer.ts'
import { bookkeepingTables, deadLettersTable, ledgerTable, offsetsTable } from './bookkeeping.ts'
import { checkSettings, unreachableFinding } from './check.ts'
import { claimWithRetries } from './claim.ts'
import { countLetters, readLetters, sumLetters } from './dead-letters-read.ts'
import { replayLetters } from './dead-letters-replay.ts'
import type { Dialect, RowTarget } from './dialect.ts'
import { diffTable } from './diff.ts'
import { requireExactColumns } from './drift.ts'
import type { ExistingTable } from './existing.ts'
import { explain } from './failure.ts'
import { SqlLane } from './lane.ts'
import { sumLedger } from './ledger.ts'
import { readOffsets } from './offsets.ts'
import { SessionPool } from './pool.ts'
import { countTableRows } from './row-count.ts'
import { passwordName, type Session, type SessionLimits, serverName } from './session.ts'
import { SqlSnapshot, snapshotLimits } from './snapshot.ts'
import { parseTableName, tableText } from './table-name.ts'
import { keyOf, wantedBookkeeping, wantedTarget } from './wanted.ts'

/** A database as a sink; what differs between databases is in the dialect. The contract is on `Sink`. */
export class SqlSink implements Sink, LetterBox {
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

  async claim(tp: TopicPartition, owner: Owner, signal?: AbortSignal): Promise<Lane> {
    const writer = this.#writer(tp, owner)
    const server = serverName(this.#config)
    const open = () => this.#open(this.#limits, signal)
    return new SqlLane({
      ...(await claimWithRetries(open, this.#dialect, tp, owner, server, signal)),
      dialect: this.#dialect,
      at: { topic: tp.topic, partition: tp.partition, group: owner.group },
      target: owner.target,
      onDeadLetters: owner.onDeadLetters,
      open: () => this.#dialect.open(this.#config, this.#limits),
      writer,
      limits: this.#limits,
      server,
    })
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
      const letters = await this.#dialect.readTable(session, wantedBookkeeping(deadLettersTable).table)
      const columns = new Set(existing.columns.map((column) => column.name))
      const provenance = columns.has(provenanceColumns.partition) && columns.has(provenanceColumns.offset)
      const books = {
        offsets: offsets ? await readOffsets(session, offsets, topic, group) : new Map(),
        ledger: ledger ? await sumLedger(session, topic, group, ledgerFrom) : new Map(),
        letters: letters ? await sumLetters(session, letters, topic, group) : new Map(),
        rows: await countTableRows(session, name, provenance),
      }
      await session.rollback()
      return books
    })
  }

  async snapshot(): Promise<Snapshot> {
    const session = await this.#open(snapshotLimits(this.#limits))
    return await SqlSnapshot.begin(session, this.#dialect, serverName(this.#config))
  }

  letters(query: LetterQuery, page: LetterPage): Promise<FiledLetter[]> {
    return this.#ask('the dead letters', (session) => readLetters(session, this.#dialect, query, page))
  }

  countLetters(query: LetterQuery): Promise<LetterCount[]> {
    return this.#ask('the dead letters', (session) => countLetters(session, query))
  }

  replay(request: ReplayRequest): Promise<ReplayReceipt> {
    const target = this.#rowTarget(request, request.target)
    return replayLetters(
      {
        open: () => this.#dialect.open(this.#config, this.#limits),
        check: (session) => requireExactColumns(session, this.#dialect, request.target.table),
        writer: new BatchWriter(this.#dialect, request.topic, target, { ...request.target, onError: 'dlq' }),
        rows: this.#dialect.rowWriter(target),
        server: serverName(this.#config),
      },
      request,
    )
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }

  #writer(tp: TopicPartition, owner: Owner): BatchWriter {
    return new BatchWriter(this.#dialect, tp.topic, this.#rowTarget(tp, owner.target), owner.target)
  }

  #rowTarget(tp: TopicPartition, { table: spec, mode }: LaneTarget): RowTarget {
    const { table } = wantedTarget(spec, this.#dialect)
    const key = keyOf(spec)
    if (mode === 'upsert' && key.length === 0) {
      throw new ConfigError(`upsert into ${spec.table} needs a primary key`, {
        where: tpName(tp),
        next: 'name the key fields (--key FIELD), or use --mode insert',
      })
    }
    return { table, spec, partition: tp.partition, key }
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
      throw explain(err, what, serverName(this.#config), this.#missingPassword())
    }
  }

  async #open(limits = this.#limits, signal?: AbortSignal): Promise<Session> {
    try {
      return await this.#dialect.open(this.#config, limits, signal)
    } catch (err) {
      throw explain(
        err,
        `no connection to ${this.#dialect.kind}`,
        serverName(this.#config),
        this.#missingPassword(),
      )
    }
  }

  /** What a prompt may ask for when the server refuses a user of whom no password is known. */
  #missingPassword(): string | undefined {
    return this.#config.password === undefined ? passwordName(this.#config) : undefined
  }
}
