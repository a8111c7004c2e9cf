import type { UpReporter } from '../stack/up.ts'
import type { Fault } from './fault.ts'
import type { ChaosSink, Places } from './links.ts'

/** What a run is asked for. */
export interface ChaosRequest {
  readonly seed: number
  readonly faults: readonly Fault[]
  readonly partitions: number
  /** Milliseconds after which the group takes a silent consumer for dead. */
  readonly sessionTimeout: number
  /** Milliseconds that a partition with something to store may stand still, and the log may not grow. */
  readonly patience: number
  /** Keep the logs of a run that ends well, too. */
  readonly keepLogs: boolean
  readonly sinks: readonly ChaosSink['name'][]
  /** Servers that run already, and stay; undefined: the run starts its own. */
  readonly existing: Places | undefined
  readonly reporter: UpReporter
  /** Aborted by Ctrl-C: the run ends, and leaves nothing behind. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: ChaosProgress) => void
  readonly note: (text: string) => void
}

export interface ChaosProgress {
  readonly phase: 'faults' | 'drain'
  readonly done: number
  readonly active: number
  readonly faults: number
  /** Offsets of the log. */
  readonly logSize: bigint
  /** Offsets not stored yet, by sink. */
  readonly lag: Readonly<Record<string, bigint>>
}
