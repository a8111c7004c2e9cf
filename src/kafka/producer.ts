import type { TransactionIdentity } from './transactions.ts'

/** One record to append. */
export interface OutRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly (readonly [string, Buffer | null])[]
  /** Milliseconds since the epoch; default: now. */
  readonly timestamp?: bigint
}

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/**
 * An idempotent producer (`acks=all`), one per thread.
 *
 * Contract: records sent to one partition are appended in the order of the `send` calls and of the records in
 * them; each exactly once, however often the request had to be repeated. `send` splits by bytes into record batches, resolves
 * when all of its records are acknowledged, and may be called again before it resolved. After a fatal error (the broker lost
 * the producer's state, out of order sequence) every pending and later `send` rejects: what was
 * acknowledged is known, nothing is guessed.
 */
export interface Producer {
  send(topic: string, partition: number, records: readonly OutRecord[]): Promise<SendResult>
  close(): Promise<void>
}

/**
 * A producer whose records count only when the transaction is committed that they were sent in. Who commits, and who includes the
 * partitions before, is whoever took the transactional id over (`Transactions`), in this thread or another one.
 */
export interface TransactionalProducer extends Producer {
  /** Whose transactions the records belong to that are sent from now on. All that was sent before must be acknowledged. */
  use(identity: TransactionIdentity): void
}

export interface SendResult {
  readonly records: number
  /** Compressed bytes that went to the broker. */
  readonly bytes: number
  /** Offset of the first record; -1: it was appended at an earlier attempt, and the broker does not tell where. */
  readonly baseOffset: bigint
  /** Offset of the last record; others may stand between the two, from other producers. -1 as above. */
  readonly lastOffset: bigint
}

export interface ProducerOptions {
  readonly clientId: string
  /** Default lz4. */
  readonly compression?: Compression
  /** Uncompressed bytes after which a record batch is closed. Default 900 kB. */
  readonly batchBytes?: number
  /** Milliseconds from `send` until a record must be acknowledged; after that the producer fails. Default 120,000. */
  readonly deliveryTimeout?: number
}
