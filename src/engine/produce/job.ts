import type { KafkaConfig } from '../../kafka/config.ts'
import type { Compression } from '../../kafka/producer.ts'
import type { TransactionIdentity } from '../../kafka/transactions.ts'
import type { ThreadError } from '../thread-error.ts'
import type { KeyFormat } from './record-key.ts'
import type { Appended, Encoded, Pack, Work } from './work.ts'

/** A schema as it can go to a thread; each parses it for itself. */
export interface SchemaText {
  /** Registry id; 0 in a dry run without registry. */
  readonly id: number
  readonly text: string
  /** File or subject, for messages. */
  readonly name: string
  /** Texts of the schemas that it refers to. */
  readonly references: readonly string[]
}

/** What a producing thread is started with. */
export interface ProduceJob {
  /** undefined: a dry run, nothing is sent. */
  readonly kafka: KafkaConfig | undefined
  readonly compression: Compression
  /** Milliseconds from handing records to a producer until they must be acknowledged. */
  readonly deliveryTimeout: number
  readonly topic: string
  readonly partitions: number
  readonly value: SchemaText
  readonly key: {
    readonly fields: readonly string[]
    readonly format: KeyFormat
    readonly schema: SchemaText | undefined
  }
  readonly onBad: 'stop' | 'skip'
  readonly unknownFields: 'error' | 'ignore'
  /** undefined: none are generated. */
  readonly generate: { readonly seed: number; readonly unique: readonly string[] } | undefined
}

/** Calls of the coordinator; each is answered by one Answer of the same `call`. */
export type Call =
  | { readonly type: 'encode'; readonly call: number; readonly work: Work }
  | {
      readonly type: 'append'
      readonly call: number
      readonly packs: readonly Pack[]
      /** Whose transaction the records belong to; undefined: none. */
      readonly identity: TransactionIdentity | undefined
    }
  | { readonly type: 'close'; readonly call: number }

export type Answer =
  | { readonly type: 'encoded'; readonly call: number; readonly encoded: Encoded }
  | { readonly type: 'appended'; readonly call: number; readonly appended: readonly Appended[] }
  | { readonly type: 'closed'; readonly call: number }
  | { readonly type: 'failed'; readonly call: number; readonly error: ThreadError }
