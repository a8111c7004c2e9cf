import {
  type Connection,
  createConnection,
  type QueryError,
  type QueryResult,
  type ResultSetHeader,
} from 'mysql2'
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
import { lossWarnings, secureTransportRequired, verdictOf } from './errors.ts'
import { literal } from './literal.ts'
import { bufferedRows, streamRows } from './stream.ts'
import { isTlsFailure, namedSocket } from './tls.ts'

/**
 * ANSI_QUOTES lets both dialects share their statements; the rest is strict mode spelled out, because a server's
 * own sql_mode may be lax, and NO_AUTO_VALUE_ON_ZERO keeps a zero a zero.
 */
const sqlMode =
  'ANSI_QUOTES,STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,' +
  'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'

/** Connects and makes the session settings. Rejects with SqlFailure, also soon after `signal` aborts. */
export async function openSession(
  config: SinkConfig,
  limits: SessionLimits,
  signal?: AbortSignal,
): Promise<Session> {
  const session = new MysqlSession(config, limits)
  await hangingUp(signal, () => session.close(), session.open())
  return session
}

class MysqlSession implements Session {
  readonly #connection: Connection
  readonly #limits: SessionLimits
  #usable = true
  /** Rejects the pending query. */
  #abort: ((failure: SqlFailure) => void) | undefined
  #server: ServerInfo = { product: 'MySQL', version: '', maxStatementBytes: 1024 * 1024 }

  constructor(config: SinkConfig, limits: SessionLimits) {
    this.#limits = limits
    const { tls } = config
    this.#connection = createConnection({
      // The name that the certificate must have; the socket is connected to the host itself.
      host: tls?.serverName ?? config.host,
      port: config.port,
      user: config.user,
      password: config.password ?? '',
      database: config.database,
      charset: 'utf8mb4',
      timezone: 'Z',
      connectTimeout: limits.connect,
      enableKeepAlive: true,
      keepAliveInitialDelay: 10_000,
      supportBigNumbers: true,
      bigNumberStrings: true,
      // Every value stays the server's text: BIGINT and DECIMAL lose nothing.
      typeCast: (field) => field.string(),
      // FOUND_ROWS: an UPDATE answers with the rows that it matched, as the fence counts them, not with those that
      // it changed. No LOCAL_FILES: a server could ask for any file of this machine.
      flags: ['FOUND_ROWS', '-LOCAL_FILES'],
      ...(tls
        ? {
            // mysql2 checks the host name only when it is told to.
            ssl: { ...tlsOptions(tls), verifyIdentity: tls.rejectUnauthorized !== false },
            stream: () => namedSocket(config),
          }
        : {}),
    })
    const gone = (): void => {
      this.#usable = false
    }
    // Without a listener the death of an idle connection would end the process.
    this.#connection.on('error', gone)
    this.#connection.on('end', gone)
  }

  get server(): ServerInfo {
    return this.#server
  }

  get usable(): boolean {
    return this.#usable
  }

  async open(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#abort = reject
        this.#connection.connect((err) => (err ? reject(failureOf(err)) : resolve()))
      })
      await this.query(raw(`SET SESSION sql_mode = '${sqlMode}'`))
      await this.query(sql`SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`)
      const { rows } = await this.query(
        sql`SELECT version() AS version, @@max_allowed_packet AS packet, @@version_comment AS comment`,
      )
      const version = rows[0]?.version ?? ''
      const mariadb = /mariadb/i.test(`${version} ${rows[0]?.comment}`)
      this.#server = {
        product: mariadb ? 'MariaDB' : 'MySQL',
        version,
        maxStatementBytes: Number(rows[0]?.packet ?? 1024 * 1024),
      }
      await this.query(this.#settings(mariadb))
    } catch (err) {
      this.#destroy()
      throw err
    }
  }

  /**
   * MariaDB ends a session that idles inside a transaction; MySQL only knows wait_timeout, which also ends one that
   * idles between transactions: the lane then opens the next. Every warning is kept, whatever the server's own settings are: `#refuseLoss`
   * reads them.
   */
  #settings(mariadb: boolean): Sql {
    const lock = Math.max(1, Math.ceil(this.#limits.lock / 1000))
    const idle = Math.max(1, Math.ceil(this.#limits.idleInTransaction / 1000))
    const idleSetting = mariadb ? 'idle_transaction_timeout' : 'wait_timeout'
    return raw(
      `SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = ${lock}, ` +
        `SESSION lock_wait_timeout = ${lock}, SESSION ${idleSetting} = ${idle}, SESSION autocommit = 1, ` +
        `SESSION sql_notes = 1, SESSION max_error_count = 65535`,
    )
  }

  async query(statement: Sql): Promise<SqlResult> {
    const result = await this.#run(statement.render(literal))
    if (Array.isArray(result)) return { rows: result as unknown as SqlRow[], affected: result.length }
    const header = result as ResultSetHeader
    if (header.warningStatus > 0) await this.#refuseLoss()
    return { rows: [], affected: header.affectedRows }
  }

  async *stream(statement: Sql): AsyncGenerator<readonly SqlRow[]> {
    if (!this.#usable) throw disconnected()
    const rows = this.#connection.query(statement.render(literal)).stream({ highWaterMark: bufferedRows })
    this.#abort = (failure) => rows.destroy(failure)
    const wait = (more: Promise<unknown>) => within(this.#limits.statement, more, () => this.#destroy())
    try {
      yield* streamRows(rows, wait)
    } catch (err) {
      throw err instanceof SqlFailure ? err : failureOf(err as QueryError)
    } finally {
      this.#abort = undefined
      rows.destroy()
    }
  }

  async begin(): Promise<void> {
    await this.#run('START TRANSACTION')
  }

  async beginSnapshot(): Promise<void> {
    await this.#run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await this.#run('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  }

  async commit(): Promise<void> {
    await this.#run('COMMIT')
  }

  async rollback(): Promise<void> {
    await this.#run('ROLLBACK')
  }

  async close(): Promise<void> {
    // A goodbye would wait behind the call under way.
    if (!this.#usable || this.#abort !== undefined) {
      this.#destroy()
      return
    }
    this.#usable = false
    await within(
      2000,
      new Promise<void>((resolve) => {
        this.#abort = () => resolve()
        this.#connection.end(() => resolve())
      }),
      () => this.#destroy(),
    )
    this.#destroy()
  }

  /** A warning that a value was changed on its way in makes the statement a failed one. */
  async #refuseLoss(): Promise<void> {
    const warnings = (await this.#run('SHOW WARNINGS')) as unknown as SqlRow[]
    const loss = warnings.find((warning) => lossWarnings.has(Number(warning.Code)))
    if (loss === undefined) return
    throw new SqlFailure(loss.Message ?? 'a value was changed', verdictOf(Number(loss.Code)), loss.Code ?? '')
  }

  async #run(text: string): Promise<QueryResult> {
    if (!this.#usable) throw disconnected()
    const running = new Promise<QueryResult>((resolve, reject) => {
      this.#abort = reject
      this.#connection.query(text, (err, result) => (err ? reject(failureOf(err)) : resolve(result)))
    })
    try {
      return await within(this.#limits.statement, running, () => this.#destroy())
    } catch (err) {
      if (err instanceof SqlFailure && err.kind === 'disconnected') this.#destroy()
      throw err
    } finally {
      this.#abort = undefined
    }
  }

  /** Closes the socket at once. mysql2's own destroy() leaves it half open and never settles a pending query. */
  #destroy(): void {
    this.#usable = false
    this.#connection.destroy()
    const { stream } = this.#connection as unknown as { stream?: { destroy(): void } }
    stream?.destroy()
    this.#abort?.(disconnected())
  }
}

function disconnected(): SqlFailure {
  return new SqlFailure('the connection is closed', { kind: 'disconnected' })
}

function failureOf(err: QueryError & { readonly sqlMessage?: string }): SqlFailure {
  // Errors of the server carry its message; those of the driver and of the socket do not.
  if (err.sqlMessage !== undefined && err.errno !== undefined) {
    const code = err.errno === secureTransportRequired ? 'TLS_REQUIRED' : String(err.errno)
    return new SqlFailure(err.sqlMessage, verdictOf(err.errno), code)
  }
  if (isTlsFailure(err)) return new SqlFailure(err.message, { kind: 'tls' }, '', { cause: err })
  return new SqlFailure(err.message || String(err.code), { kind: 'disconnected' }, '', { cause: err })
}
