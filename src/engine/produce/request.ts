import type { KafkaConfig } from '../../kafka/config.ts'
import type { Compression } from '../../kafka/producer.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import type { TextFormat } from '../../source/file/format.ts'
import type { ResumedInput } from './produce.ts'
import type { KeyFormat } from './record-key.ts'
import type { Totals } from './tally.ts'

/** What `etl produce` reads. */
export type ProduceInput =
  | {
      readonly kind: 'files'
      readonly paths: readonly string[]
      readonly format: Partial<TextFormat>
      readonly limit: number | undefined
    }
  | {
      readonly kind: 'generate'
      readonly records: number
      readonly seed: number
      readonly unique: readonly string[]
    }

/** One run of `etl produce`, as the command line asks for it. */
export interface ProduceRequest {
  /** Called only when the part is needed: a dry run needs no brokers, and with a schema file no registry. */
  readonly kafka: () => KafkaConfig
  readonly registry: () => RegistryConfig
  readonly input: ProduceInput
  readonly topic: string
  readonly subject: string
  /** Path of a schema file; undefined: the latest version of the subject. */
  readonly schema: string | undefined
  readonly register: boolean
  readonly keyFields: readonly string[]
  readonly keyFormat: KeyFormat
  readonly threads: number
  readonly compression: Compression
  readonly onBad: 'stop' | 'skip'
  /** Path of the file for bad records; with onBad 'skip'. */
  readonly badFile: string | undefined
  readonly unknownFields: 'error' | 'ignore'
  readonly dryRun: boolean
  /** Goes on where an earlier run of the same input stopped; `id` names the input instead of its path or seed. */
  readonly resume: { readonly id: string | undefined } | undefined
  /** With `resume`: called before anything is sent, with where each input goes on. */
  readonly onResume: (inputs: readonly ResumedInput[]) => void
  /** Milliseconds that records may wait for their acknowledgement. */
  readonly deliveryTimeout: number
  readonly signal: AbortSignal
  readonly onProgress: (totals: Totals, fraction: number | undefined) => void
}
