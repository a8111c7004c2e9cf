import { ConfigError, type EtlError, FencedError } from '../../errors.ts'
import { ProducerLostError } from '../errors.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/error-codes.ts'

/** The coordinator's place is elsewhere, or not ready. */
const coordinatorMoved = new Set<number>([
  ErrorCode.coordinatorLoadInProgress,
  ErrorCode.coordinatorNotAvailable,
  ErrorCode.notCoordinator,
])

/** An earlier step of the same id is still being worked on; the answer will be another one in a moment. */
const unfinished = new Set<number>([ErrorCode.concurrentTransactions, ErrorCode.unstableOffsetCommit])

const fenced = new Set<number>([ErrorCode.invalidProducerEpoch, ErrorCode.producerFenced])

const lost = new Set<number>([
  ErrorCode.invalidTxnState,
  ErrorCode.invalidProducerIdMapping,
  ErrorCode.unknownProducerId,
  ErrorCode.transactionAbortable,
])

/** What to do about a code of a transaction's request. */
export function judge(code: number): 'done' | 'wait' | 'look again' | 'fail' {
  if (code === ErrorCode.none) return 'done'
  if (unfinished.has(code)) return 'wait'
  return coordinatorMoved.has(code) || isRetriable(code) ? 'look again' : 'fail'
}

/** The error for a code that no repetition cures. `doing` completes "while …". */
export function transactionError(code: number, id: string, doing: string): EtlError {
  const why = errorName(code)
  const details = { where: `transactional id ${id}` }
  if (fenced.has(code)) return fencedError(id, why)
  if (lost.has(code))
    return new ProducerLostError(`Kafka ended the transaction while ${doing}: ${why}`, details)
  if (code === ErrorCode.invalidTransactionTimeout) {
    return new ConfigError('the delivery time-out is longer than the brokers let a transaction last', {
      where: 'transaction.max.timeout.ms',
      next: 'a shorter --delivery-timeout',
    })
  }
  if (code === ErrorCode.offsetMetadataTooLarge) {
    return new ConfigError('the brokers take less text beside an offset than a position needs', {
      where: 'offset.metadata.max.bytes',
      next: 'the default of 4096, or more',
    })
  }
  return new ConfigError(`Kafka refused while ${doing}: ${why}`, details)
}

/** Another run has the id now, or the brokers gave up on a process that stood still. */
export function fencedError(id: string, why: string): FencedError {
  return new FencedError(
    `another run has taken over, or this one stood still for so long that the brokers ended its transaction (${why})`,
    {
      where: `transactional id ${id}`,
      next: 'if no other run is at work, the same command again: it goes on after the last commit',
    },
  )
}
