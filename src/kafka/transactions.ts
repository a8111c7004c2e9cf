import type { TransactionIdentity } from './protocol/transactions.ts'

export type { TransactionIdentity }

/** How far something came, kept by Kafka as the offset of a consumer group of the transactional id's name. */
export interface StoredPlace {
  readonly offset: bigint
  /** Text beside it; brokers take 4,096 bytes (`offset.metadata.max.bytes`). */
  readonly metadata: string
}

/**
 * Takes transactional ids over and runs their transactions; the records themselves are sent by TransactionalProducers with the id's
 * `identity`, in any thread of the process.
 */
export interface Transactions {
  /**
   * Takes the id over: from now on whoever had it can write nothing more, and what he left open is aborted (or, when it was being
   * committed, committed). Resolves when that has happened. Throws ConfigError when a right is missing, UnreachableError after the delivery timeout.
   */
  take(id: string, topic: string): Promise<TransactionalId>
  close(): void
}

/**
 * One transactional id, one transaction at a time. Calls must not overlap, except `store` with appends of the same transaction.
 * Every method throws FencedError when somebody took the id over or the brokers aborted the transaction for its age, ProducerLostError
 * when they do not know it (any more), UnreachableError when they did not answer within the delivery timeout: then only
 * taking the id again tells what is committed.
 */
export interface TransactionalId {
  readonly identity: TransactionIdentity
  /** What the last transaction stored; undefined: none did, or the brokers have dropped it since. */
  readonly stored: StoredPlace | undefined
  /** To be called before the first record of the transaction is sent to these partitions. */
  include(partitions: readonly number[]): Promise<void>
  /** Makes the place part of the transaction. */
  store(place: StoredPlace): Promise<void>
  /** Ends the transaction; to be called when all of its records are acknowledged. */
  commit(): Promise<void>
  /**
   * Lets the brokers abort the transaction that is open, if they can be asked. The id cannot be used after. No error: what this does not do, the
   * next `take` does, or the transaction's time-out.
   */
  abandon(): Promise<void>
}

export interface TransactionsOptions {
  readonly clientId: string
  /** Milliseconds for each call. Half a minute more, and the brokers abort a transaction for its age. */
  readonly deliveryTimeout: number
}
