import { ConfigError, type ErrorDetails, EtlError, ExitCode, UnreachableError } from '../errors.ts'

/** The stored offsets belong to another cluster, or to another topic of the same name. */
export class IdentityError extends ConfigError {
  override readonly code = 'identity'
}

/** Other transactions hold what this call needs. The server is well: nobody else has to wait. */
export class BusyError extends UnreachableError {
  override readonly code = 'busy'
}

/** A record that cannot be decoded, or that the database rejects for its data, with `onError: 'stop'`. */
export class PoisonError extends EtlError {
  readonly code = 'poison'
  readonly exitCode = ExitCode.usage
  readonly offset: bigint

  constructor(message: string, offset: bigint, details: ErrorDetails = {}) {
    super(message, details)
    this.offset = offset
  }
}
