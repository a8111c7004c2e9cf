import { ConfigError, type EtlError, UnexpectedError, UnreachableError } from '../../errors.ts'
import { tlsProblem } from '../../tls.ts'
import { BusyError } from '../errors.ts'

/**
 * What a failed statement means for the batch:
 * - record: the database rejects a record for its data; isolate it.
 * - conflict: deadlock, serialization failure, lock timeout; the same transaction may succeed when repeated.
 * - environment: full, read-only, out of memory or connections; nothing is wrong with the records.
 * - disconnected: the connection is gone; whether the statement was executed is not known.
 * - refused: the server does not let this user in.
 * - tls: the two ends do not agree on TLS; see src/tls.ts.
 * - missing: a table, column, database or index is not there or not what the plan made.
 * - forbidden: the user lacks a privilege.
 * - unexpected: anything else.
 */
export type FailureKind =
  | 'record'
  | 'conflict'
  | 'environment'
  | 'disconnected'
  | 'refused'
  | 'tls'
  | 'missing'
  | 'forbidden'
  | 'unexpected'

/** Class of a dead letter that a sink makes. */
export type RecordErrorClass = 'data' | 'constraint'

export interface Verdict {
  readonly kind: FailureKind
  readonly errorClass?: RecordErrorClass
}

/** A statement that failed, with the dialect's verdict. Stays inside the sink: `explain` makes it an EtlError. */
export class SqlFailure extends Error {
  readonly kind: FailureKind
  /** Set for kind `record`. */
  readonly errorClass: RecordErrorClass | undefined
  /** The server's own code: SQLSTATE or error number, '' for errors of the connection. */
  readonly code: string
  /** The column that the server names, if it does. */
  readonly column: string | undefined

  constructor(
    message: string,
    verdict: Verdict,
    code = '',
    details: { column?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SqlFailure'
    this.kind = verdict.kind
    this.errorClass = verdict.errorClass
    this.code = code
    this.column = details.column
  }
}

/** A record that must not be written, found before the database was asked. */
export function badRecord(message: string): SqlFailure {
  return new SqlFailure(message, { kind: 'record', errorClass: 'data' })
}

/** A COMMIT that failed and whose outcome is known: rolled back. A lost connection is as good a reason to try again as a deadlock. */
export function notCommitted(err: unknown): unknown {
  if (!(err instanceof SqlFailure) || err.kind !== 'disconnected') return err
  return new SqlFailure(`COMMIT did not reach the server: ${err.message}`, { kind: 'conflict' }, err.code, {
    cause: err,
  })
}

/** The failure as users meet it. `where` names the server or the partition; `doing` what was tried; `secret` the password that nobody gave. */
export function explain(failure: unknown, doing: string, where: string, secret?: string): EtlError | unknown {
  if (!(failure instanceof SqlFailure)) return failure
  const details = { where, cause: failure }
  switch (failure.kind) {
    case 'tls':
      return tlsProblem(failure, where, doing) ?? new UnexpectedError(`${doing}: TLS failed`, details)
    case 'disconnected':
      return new UnreachableError(`${doing}: the database cannot be reached`, {
        ...details,
        next: 'check that the server runs and that host and port are right (etl stack status shows the local one)',
      })
    case 'refused':
      return new UnreachableError(`${doing}: the database does not let this user in`, {
        ...details,
        next: 'check user, password and database: export ETL_SINK_PASSWORD=…, or sinks in etl.yaml',
        secret,
      })
    case 'environment':
      return new UnreachableError(`${doing}: the database cannot do it now`, {
        ...details,
        next: 'put right what the server says, then run the same command again',
      })
    case 'conflict':
      return new BusyError(`${doing}: other transactions are in the way`, {
        ...details,
        next: 'look for long transactions on the server, then run the same command again',
      })
    case 'missing':
      return new ConfigError(`${doing}: the database does not have what it needs`, {
        ...details,
        next: 'etl plan',
      })
    case 'forbidden':
      return new ConfigError(`${doing}: the database user lacks a privilege`, {
        ...details,
        next: 'GRANT it to the user, then run the same command again',
      })
    default:
      return new UnexpectedError(`${doing}: the database refused the statement`, details)
  }
}
