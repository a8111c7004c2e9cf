import type { KafkaConfig } from '../../kafka/config.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import type { LaneTarget, SinkConfig } from '../../sink/sink.ts'
import type { ThreadError } from '../thread-error.ts'
import type { ServerHealth, ServerName } from './server-health.ts'

/** Everything that one member of the group needs; crosses the thread boundary as it is. */
export interface ConsumeJob {
  readonly kafka: KafkaConfig
  readonly registry: RegistryConfig
  readonly sink: SinkConfig
  readonly topic: string
  readonly group: string
  /** Host and process; the thread's number is appended. */
  readonly owner: string
  readonly target: LaneTarget
  readonly reader: ReaderSchemas
  /** Milliseconds after which a silent member loses its partitions. */
  readonly sessionTimeout: number
  /** Where a partition without stored offset starts. */
  readonly from: 'earliest' | 'latest'
  /** Partitions when the run began; `latest` means those, one that is added later is read from its start. */
  readonly partitions: number
  /** Offsets to stop at, by partition (exclusive); undefined: run until stopped. */
  readonly until: ReadonlyMap<number, bigint> | undefined
  /** How many records all threads together may still take (one BigInt64); undefined: no limit. */
  readonly budget: SharedArrayBuffer | undefined
  readonly limits: ConsumeLimits
  /** Milliseconds for which a server may be away before the run gives up; undefined: for ever. */
  readonly retryFor: number | undefined
  /** Topic that dead letters are copied to. */
  readonly deadLetterTopic: DeadLetterTopic | undefined
}

export interface DeadLetterTopic {
  readonly name: string
  readonly partitions: number
}

/** What the table was made from; records of other versions are resolved to it. */
export interface ReaderSchemas {
  readonly value: ReaderSchema
  /** Set when key columns are not in the value. */
  readonly key: ReaderSchema | undefined
}

export interface ReaderSchema {
  /** JSON text. */
  readonly text: string
  /** Texts of the schemas that it refers to. */
  readonly references: readonly string[]
}

export interface ConsumeLimits {
  /** Records and bytes of one transaction. */
  readonly batchRecords: number
  readonly batchBytes: number
  /** Records and bytes that may wait for one lane before its partition is paused. */
  readonly queueRecords: number
  readonly queueBytes: number
}

export const defaultLimits: ConsumeLimits = {
  batchRecords: 10_000,
  batchBytes: 4 << 20,
  queueRecords: 40_000,
  queueBytes: 8 << 20,
}

/**
 * running: reads and writes · waiting: a server is unreachable, retries · done: reached its end · fenced: another
 * owner took it · failed: stopped by an error that needs a person · released: given back
 */
export type LaneState = 'running' | 'waiting' | 'done' | 'fenced' | 'failed' | 'released'

/** What a lane has done since its claim. Counts are numbers of records. */
export interface LaneProgress {
  readonly partition: number
  readonly epoch: bigint
  readonly state: LaneState
  /** Next offset, as committed in the sink. */
  readonly offset: bigint
  readonly highWatermark: bigint
  readonly read: number
  readonly written: number
  readonly filtered: number
  readonly deadLettered: number
  readonly commits: number
  /** Commits whose answer was lost and whose outcome was read back. */
  readonly recovered: number
  readonly queuedRecords: number
  readonly queuedBytes: number
  readonly paused: boolean
  /** Set in state `waiting`. */
  readonly waiting: Waiting | undefined
  /** How often it has waited, and for how many milliseconds, the wait under way included. */
  readonly waits: number
  readonly waitedMs: number
  /** Claims of this partition that another owner ended. */
  readonly fenced: number
  /** When the state last changed, ms since the epoch. */
  readonly changedAt: number
  readonly error: ThreadError | undefined
}

/** What a lane waits for. Times are ms since the epoch. */
export interface Waiting {
  readonly server: ServerName
  readonly since: number
  /** Failed attempts so far, of all who wait for the server. */
  readonly attempts: number
  readonly nextTry: number
}

export type FromMember =
  | {
      readonly type: 'progress'
      readonly lanes: readonly LaneProgress[]
      readonly servers: readonly ServerHealth[]
    }
  | { readonly type: 'failed'; readonly error: ThreadError }
  | { readonly type: 'stopped' }

export type ToMember = { readonly type: 'stop' }
