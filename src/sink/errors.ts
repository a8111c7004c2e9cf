import { ConfigError, type ErrorDetails, EtlError, ExitCode } from '../errors.ts'

/** The stored offsets belong to another cluster, or to another topic of the same name. */
export class IdentityError extends ConfigError {
  override readonly code = 'identity'
}

/** A record that the database rejects for its data, with `onError: 'stop'`. */
export class PoisonError extends EtlError {
  readonly code = 'poison'
  readonly exitCode = ExitCode.unexpected
  readonly offset: bigint

  constructor(message: string, offset: bigint, details: ErrorDetails = {}) {
    super(message, details)
    this.offset = offset
  }
}
