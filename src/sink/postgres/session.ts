import { Client, DatabaseError, type QueryResult } from 'pg'
import type { SinkConfig } from '../sink.ts'
import { SqlFailure } from '../sql/failure.ts'
import { hangingUp } from '../sql/hang-up.ts'
import {
  type ServerInfo,
  type Session,
  type SessionLimits,
  type SqlResult,
  type SqlRow,
  within,
} from '../sql/session.ts'
import { raw, type Sql, sql } from '../sql/statement.ts'
import { tlsOptions } from '../sql/tls-options.ts'
import { verdictOf } from './errors.ts'
import { streamRows } from './stream.ts'
import { NamedSocket, tlsCode, tlsCodeOfServer } from './tls.ts'

/** Connects and makes the session settings. Rejects with SqlFailure, also soon after `signal` aborts. */
export async function openSession(
  config: SinkConfig,
  limits: SessionLimits,
  signal?: AbortSignal,
): Promise<Session> {
  const session = new PostgresSession(config, limits)
  await hangingUp(signal, () => session.close(), session.open())
  return session
}

class PostgresSession implements Session {
  readonly #client: Client
  readonly #limits: SessionLimits
  #usable = false
  #version = ''

  constructor(config: SinkConfig, limits: SessionLimits) {
    this.#limits = limits
    this.#client = new Client({
      // The name that the certificate must have; NamedSocket connects to the host itself.
      host: config.tls?.serverName ?? config.host,
      port: config.port,
      user: config.user,
      database: config.database,
      password: config.password ?? '',
      ssl: config.tls ? tlsOptions(config.tls) : false,
      ...(config.tls ? { stream: () => new NamedSocket(config.host) } : {}),
      application_name: 'etl',
      connectionTimeoutMillis: limits.connect,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // Every value stays the server's text: bigint and numeric lose nothing.
      types: { getTypeParser: () => (text: string) => text },
    })
    const gone = (): void => {
      this.#usable = false
    }
    // Without a listener the death of an idle connection would end the process.
    this.#client.on('error', gone)
    this.#client.on('end', gone)
  }

  get server(): ServerInfo {
    // A message may have 1 GB; more than this in one statement gains nothing.
    return { product: 'PostgreSQL', version: this.#version, maxStatementBytes: 256 * 1024 * 1024 }
  }

  get usable(): boolean {
    return this.#usable
  }

  async open(): Promise<void> {
    try {
      await this.#client.connect()
    } catch (err) {
      this.#destroy()
      throw failureOf(err)
    }
    this.#usable = true
    const { lock, idleInTransaction } = this.#limits
    try {
      await this.query(
        raw(
          `SET TimeZone = 'UTC'; SET lock_timeout = ${lock}; ` +
            `SET idle_in_transaction_session_timeout = ${idleInTransaction}; SET client_min_messages = 'warning'`,
        ),
      )
      const { rows } = await this.query(sql`SELECT current_setting('server_version') AS version`)
      this.#version = rows[0]?.version ?? ''
    } catch (err) {
      this.#destroy()
      throw err
    }
  }

  async query(statement: Sql): Promise<SqlResult> {
    const result = await this.#run(statement)
    return { rows: result.rows, affected: result.rowCount ?? 0 }
  }

  stream(statement: Sql): AsyncIterable<readonly SqlRow[]> {
    return streamRows(this, statement)
  }

  async begin(): Promise<void> {
    // A deferred constraint would blame the whole batch at COMMIT instead of the record that breaks it.
    await this.#run(raw('BEGIN ISOLATION LEVEL READ COMMITTED; SET CONSTRAINTS ALL IMMEDIATE'))
  }

  async beginSnapshot(): Promise<void> {
    await this.#run(sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
  }

  async commit(): Promise<void> {
    const { command } = await this.#run(sql`COMMIT`)
    // A failed transaction answers COMMIT with ROLLBACK, and no error.
    if (command !== 'COMMIT') {
      throw new SqlFailure(`COMMIT was answered with ${command}`, { kind: 'unexpected' })
    }
  }

  async rollback(): Promise<void> {
    await this.#run(sql`ROLLBACK`)
  }

  async close(): Promise<void> {
    if (!this.#usable) {
      this.#destroy()
      return
    }
    this.#usable = false
    await within(
      2000,
      this.#client.end().catch(() => {}),
      () => this.#destroy(),
    )
  }

  async #run(statement: Sql): Promise<QueryResult<Record<string, string | null>>> {
    const text = statement.render((_, index) => `$${index + 1}`)
    const values = statement.params.map((param) => (typeof param === 'bigint' ? param.toString() : param))
    // Without parameters pg speaks the simple protocol, which takes several statements in one round trip.
    const running = this.#client.query<SqlRow>(values.length > 0 ? { text, values } : { text })
    try {
      return await within(this.#limits.statement, running, () => this.#destroy())
    } catch (err) {
      const failure = failureOf(err)
      if (failure.kind === 'disconnected') this.#destroy()
      throw failure
    }
  }

  /** Closes the socket at once; pending calls reject. */
  #destroy(): void {
    this.#usable = false
    const { connection } = this.#client as unknown as { connection?: { stream?: { destroy(): void } } }
    connection?.stream?.destroy()
  }
}

function failureOf(err: unknown): SqlFailure {
  if (err instanceof DatabaseError && err.code !== undefined) {
    const tls = tlsCodeOfServer(err)
    if (tls !== undefined) return new SqlFailure(err.message, { kind: 'tls' }, tls)
    const detail = err.detail === undefined ? '' : ` (${err.detail})`
    return new SqlFailure(`${err.message}${detail}`, verdictOf(err.code), err.code, {
      column: err.column,
      cause: undefined,
    })
  }
  // The client itself gives up a SCRAM exchange when it has no password or a wrong server signature.
  const message = messageOf(err)
  const tls = tlsCode(err)
  if (tls !== undefined) return new SqlFailure(message, { kind: 'tls' }, tls, { cause: err })
  const kind = message.startsWith('SASL') ? 'refused' : 'disconnected'
  return new SqlFailure(message, { kind }, '', { cause: err })
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function messageOf(err: unknown): string {
  if (err instanceof AggregateError)
    return [...new Set(err.errors.map((e) => (e as Error).message))].join('; ')
  return err instanceof Error ? err.message : String(err)
}
