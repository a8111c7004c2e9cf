/**
 * The one error hierarchy. Every error that a user can meet says what happened (`message`), where,
 * why (`cause`) and what to type next, and carries a stable `code` and the process's exit code.
 */

/** Exit codes of the process; documented in docs/exit-codes.md and stable. */
export const ExitCode = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  verificationFailed: 3,
  behind: 4,
  unreachable: 5,
  changesPending: 6,
  fenced: 7,
  badConfig: 78,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface ErrorDetails {
  /** Place: topic/partition/offset, file:line:column, host:port, table.column. */
  readonly where?: string | undefined
  /** The command or setting that helps, as the user would type it. */
  readonly next?: string | undefined
  readonly cause?: unknown
  /** The secret that nobody gave and that would help (`password of Kafka user etl`); a terminal can ask for it. */
  readonly secret?: string | undefined
}

export abstract class EtlError extends Error {
  abstract readonly code: string
  abstract readonly exitCode: ExitCode
  readonly where: string | undefined
  readonly next: string | undefined
  readonly secret: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.where = details.where
    this.next = details.next
    this.secret = details.secret
  }
}

/** Wrong flag, missing file, input that does not parse. */
export class UsageError extends EtlError {
  readonly code: string = 'usage'
  readonly exitCode = ExitCode.usage
}

/** Input data (a sample, a record, a schema) is not what it must be. */
export class InputError extends EtlError {
  readonly code: string = 'bad_input'
  readonly exitCode = ExitCode.usage
}

/** etl.yaml, the environment or the state of topic, schema and table do not fit together. */
export class ConfigError extends EtlError {
  readonly code: string = 'bad_config'
  readonly exitCode = ExitCode.badConfig
}

/** A server did not answer, refused the connection or the credentials. */
export class UnreachableError extends EtlError {
  readonly code: string = 'unreachable'
  readonly exitCode = ExitCode.unreachable
}

/** The sink has another owner of the partition, or the log is not the one the offsets belong to. */
export class FencedError extends EtlError {
  readonly code: string = 'fenced'
  readonly exitCode = ExitCode.fenced
}

/** Anything else that the tool noticed by itself (a broken invariant, a protocol surprise). */
export class UnexpectedError extends EtlError {
  readonly code: string = 'unexpected'
  readonly exitCode = ExitCode.unexpected
}
