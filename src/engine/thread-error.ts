import { ExitCode as codes, EtlError, type ExitCode } from '../errors.ts'

/** An error as it crosses a thread boundary: structured clone would lose the class and its fields. */
export interface ThreadError {
  readonly code: string
  readonly exitCode: ExitCode
  readonly message: string
  readonly where: string | undefined
  readonly next: string | undefined
  readonly causes: readonly string[]
  readonly stack: string | undefined
}

/** An EtlError that happened in a worker thread; keeps code, exit code and texts. */
export class WorkerError extends EtlError {
  readonly code: string
  readonly exitCode: ExitCode

  constructor(error: ThreadError) {
    const cause = error.causes.reduceRight<Error | undefined>(
      (inner, message) => new Error(message, inner ? { cause: inner } : undefined),
      undefined,
    )
    super(error.message, { where: error.where, next: error.next, cause })
    this.code = error.code
    this.exitCode = error.exitCode
    if (error.stack) this.stack = error.stack
  }
}

export function toThreadError(err: unknown): ThreadError {
  const known = err instanceof EtlError ? err : undefined
  const causes: string[] = []
  let at = err instanceof Error ? err.cause : undefined
  while (at !== undefined && at !== null && causes.length < 5) {
    causes.push(at instanceof Error ? at.message || at.name : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return {
    code: known?.code ?? 'unexpected',
    exitCode: known?.exitCode ?? codes.unexpected,
    message: err instanceof Error ? err.message : String(err),
    where: known?.where,
    next: known?.next,
    causes,
    stack: err instanceof Error ? err.stack : undefined,
  }
}
