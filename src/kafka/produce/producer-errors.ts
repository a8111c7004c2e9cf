import { type EtlError, FencedError, UnreachableError } from '../../errors.ts'
import { ProducerLostError } from '../errors.ts'
import { ErrorCode, errorName } from '../protocol/error-codes.ts'
import type { ProducerIdentity } from './out-batch.ts'
import { fencedError } from './transaction-errors.ts'

/**
 * Codes after which the brokers' and our idea of the sequence or of the transaction differ (KIP-98, KIP-360). The producer ends: going on with
 * a new epoch would guess about the batch in flight. A transactional one is taken over anew, which aborts what is in doubt.
 */
const fatal = new Set<number>([
  ErrorCode.outOfOrderSequenceNumber,
  ErrorCode.unknownProducerId,
  ErrorCode.invalidProducerEpoch,
  ErrorCode.producerFenced,
  ErrorCode.invalidTxnState,
  ErrorCode.invalidProducerIdMapping,
  ErrorCode.transactionAbortable,
])

export function isFatal(code: number): boolean {
  return fatal.has(code)
}

/** The error for a fatal code. `where`: the partition. */
export function producerFailure(
  code: number,
  where: string,
  identity: ProducerIdentity | undefined,
): EtlError {
  const why = errorName(code)
  if (code === ErrorCode.invalidProducerEpoch || code === ErrorCode.producerFenced) {
    return identity?.transactionalId === undefined
      ? new FencedError(`another producer has taken over (${why})`, { where })
      : fencedError(identity.transactionalId, why)
  }
  return new ProducerLostError(`Kafka does not know how far this producer came (${why})`, { where })
}

/** `timeout`: milliseconds. */
export function undelivered(where: string, timeout: number, cause: Error): UnreachableError {
  return new UnreachableError(
    `records for ${where} were not acknowledged within ${timeout / 1000} s: ${cause.message}`,
    { where, cause },
  )
}

/** Codes after which the batch may be in the log all the same. */
const doubtful = new Set<number>([ErrorCode.requestTimedOut, ErrorCode.notEnoughReplicasAfterAppend])

export function leavesDoubt(code: number): boolean {
  return doubtful.has(code)
}

/**
 * A batch was refused whose earlier request may have been appended: whether its sequence numbers are used cannot be known, so nothing can
 * follow it.
 */
export function refusedInDoubt(where: string, cause: Error): ProducerLostError {
  return new ProducerLostError(
    'records were refused that an earlier, unanswered request may have appended already',
    { where, cause },
  )
}
