import type { SinkConfig } from '../sink.ts'
import type { Sql } from './statement.ts'

/** Columns as the server's text; numbers and times are never parsed by the driver. */
export type SqlRow = Readonly<Record<string, string | null>>

export interface SqlResult {
  readonly rows: readonly SqlRow[]
  /** Rows matched by an UPDATE or DELETE, or inserted. */
  readonly affected: number
}

/**
 * One connection with the sink's session settings (UTC, strict types, READ COMMITTED, lock and idle timeouts).
 *
 * Every method rejects with SqlFailure. Calls must not overlap. A call that gets no answer within
 * `SessionLimits.statement` ends the connection and rejects as `disconnected`.
 */
export interface Session {
  readonly server: ServerInfo
  /** False once the connection is known to be gone. True promises nothing. */
  readonly usable: boolean
  query(statement: Sql): Promise<SqlResult>
  /** A SELECT's rows by pages, never all at once; inside a transaction. Counts as a call until the loop is left. */
  stream(statement: Sql): AsyncIterable<readonly SqlRow[]>
  begin(): Promise<void>
  /** A read-only transaction in which every statement sees the same moment; ended by rollback(). */
  beginSnapshot(): Promise<void>
  /** Rejects when the server answers with anything but a commit. */
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Says goodbye, or hangs up on a call under way, which then rejects. Never rejects; takes two seconds at most. */
  close(): Promise<void>
}

export interface ServerInfo {
  readonly product: 'PostgreSQL' | 'MySQL' | 'MariaDB'
  /** As the server writes it. */
  readonly version: string
  /** Longest statement, parameters included, that the server takes; bytes. */
  readonly maxStatementBytes: number
}

/** Milliseconds. */
export interface SessionLimits {
  readonly connect: number
  /** No answer to one statement for so long: the connection counts as gone. */
  readonly statement: number
  /** Waiting for a row lock; also what a statement may still take after a stop. Longer than `idleInTransaction`, so that a claim outlives a frozen owner's locks. */
  readonly lock: number
  /** A session that holds a transaction open and sends nothing is ended by the server after so long. */
  readonly idleInTransaction: number
  /**
   * How long a lane asks for the outcome of a COMMIT whose answer was lost. The last time it asks may take `lock`; both
   * together stay below a rebalance's 60 s.
   */
  readonly recovery: number
}

/**
 * A frozen owner blocks the next claim of its partition for `idleInTransaction` at most, and only when it froze
 * between fence and COMMIT.
 */
export const defaultLimits: SessionLimits = {
  connect: 10_000,
  statement: 120_000,
  lock: 15_000,
  idleInTransaction: 10_000,
  recovery: 30_000,
}

/** `host:port/database`, for errors. */
export function serverName(config: SinkConfig): string {
  return `${config.host}:${config.port}/${config.database}`
}

/** What a prompt asks for: `password of etl at host:port/database`. */
export function passwordName(config: SinkConfig): string {
  return `password of ${config.user} at ${serverName(config)}`
}

/** Ends `work` by `onTimeout` (which has to make it settle) when it takes longer than `ms`. */
export async function within<T>(ms: number, work: Promise<T>, onTimeout: () => void): Promise<T> {
  const timer = setTimeout(onTimeout, ms)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}
