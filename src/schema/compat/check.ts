import type { AvroSchema } from '../avro-schema.ts'
import type { CompatibilityLevel, SchemaRegistry } from '../registry.ts'
import { parseRegistered } from '../registry-client/references.ts'
import { type LevelProblem, levelProblems, type NamedSchema } from './compatibility.ts'

export interface SubjectCheck {
  readonly level: CompatibilityLevel
  /** Labels of the versions that were compared, `flights-value:3`; empty for a new subject and at level NONE. */
  readonly compared: readonly string[]
  readonly problems: readonly LevelProblem[]
}

/** Compares a schema with the versions of a subject. `level` undefined: the subject's own. */
export async function checkSubject(
  registry: SchemaRegistry,
  subject: string,
  schema: AvroSchema,
  level?: CompatibilityLevel,
): Promise<SubjectCheck> {
  const effective = level ?? (await registry.compatibilityLevel(subject))
  if (effective === 'NONE') return { level: effective, compared: [], problems: [] }
  const versions = await registry.versions(subject)
  const wanted = effective.endsWith('_TRANSITIVE') ? versions : versions.slice(-1)
  const earlier: NamedSchema[] = []
  for (const version of wanted) {
    const registered = await registry.version(subject, version)
    const label = `${subject}:${version}`
    // A version that was deleted since the list was read binds nobody.
    if (registered) earlier.push({ label, schema: await parseRegistered(registry, registered, label) })
  }
  return {
    level: effective,
    compared: earlier.map(({ label }) => label),
    problems: levelProblems(schema, earlier, effective),
  }
}
