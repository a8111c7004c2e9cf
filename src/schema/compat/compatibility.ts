import type { AvroSchema } from '../avro-schema.ts'
import type { CompatibilityLevel } from '../registry.ts'
import type { Incompatibility } from './incompatibility.ts'
import { readerProblems } from './reader-check.ts'

/** A schema of a subject, as messages name it: `flights-value:3`, a file name. */
export interface NamedSchema {
  readonly label: string
  readonly schema: AvroSchema
}

/** An incompatibility and the versions and direction in which it shows. */
export interface LevelProblem extends Incompatibility {
  /** backward: the new schema reads old data. forward: the old schema reads new data. */
  readonly direction: 'backward' | 'forward'
  readonly against: string
}

/**
 * What keeps `next` from following `earlier` (oldest first) at a compatibility level, as Confluent defines the levels: the
 * plain ones look at the last earlier schema, the transitive ones at all.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html
 */
export function levelProblems(
  next: AvroSchema,
  earlier: readonly NamedSchema[],
  level: CompatibilityLevel,
): LevelProblem[] {
  if (level === 'NONE') return []
  const compared = level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  return compared.flatMap(({ label, schema }) => [
    ...(isBackward(level) ? directed('backward', label, readerProblems(next, schema)) : []),
    ...(isForward(level) ? directed('forward', label, readerProblems(schema, next)) : []),
  ])
}

function isBackward(level: CompatibilityLevel): boolean {
  return level.startsWith('BACKWARD') || level.startsWith('FULL')
}

function isForward(level: CompatibilityLevel): boolean {
  return level.startsWith('FORWARD') || level.startsWith('FULL')
}

function directed(
  direction: LevelProblem['direction'],
  against: string,
  problems: readonly Incompatibility[],
): LevelProblem[] {
  return problems.map((problem) => ({ direction, against, ...problem }))
}
