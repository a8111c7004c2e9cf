import type { Change } from '../sink/sink.ts'

/** One thing to change, in the registry, the cluster or a database. */
export interface Step {
  readonly part: 'registry' | 'kafka' | 'sink'
  /** Name of the sink; else the part. */
  readonly place: string
  readonly kind: Change['kind']
  readonly object: string
  readonly detail: string
  /** Statements of a database; empty elsewhere. */
  readonly sql: readonly string[]
  /** The step drops, narrows or moves keys: the name that --allow must give. */
  readonly consent?: string
  /** Executes the step. Consents were checked by the caller. */
  readonly run: () => Promise<void>
}
