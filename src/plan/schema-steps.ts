import { ConfigError } from '../errors.ts'
import { levelProblems } from '../schema/compat/compatibility.ts'
import { problemsText } from '../schema/compat/problem-text.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { parseRegistered } from '../schema/registry-client/references.ts'
import type { DatasetWish } from './dataset-wish.ts'
import type { Step } from './step.ts'

/**
 * Registers the schema under its subject, if it is not the latest there. Throws ConfigError when it is not compatible by
 * the subject's level, with each place that does not fit, or when it is an older version than the latest.
 */
export async function planSchema(wish: DatasetWish, registry: SchemaRegistry): Promise<Step[]> {
  const { subject, schemaText } = wish
  const latest = await registry.latest(subject)
  const known = latest && (await registry.lookup(subject, { schema: schemaText }))
  if (latest && known?.version === latest.version) return []
  if (latest && known)
    throw new ConfigError(
      `the schema is version ${known.version} of ${subject}, but the latest is ${latest.version}`,
      {
        next: `etl schema diff ${subject}:${known.version} ${subject}`,
      },
    )
  const step: Step = {
    part: 'registry',
    place: 'registry',
    kind: latest ? 'alter' : 'create',
    object: `subject ${subject}`,
    detail: `version ${(latest?.version ?? 0) + 1} of ${wish.schema.type === 'record' ? wish.schema.fullName : 'the schema'}`,
    sql: [],
    run: async () => void (await registry.register(subject, { schema: schemaText })),
  }
  if (latest) await refuseIncompatible(wish, registry)
  return [step]
}

async function refuseIncompatible({ subject, schema }: DatasetWish, registry: SchemaRegistry): Promise<void> {
  const level = await registry.compatibilityLevel(subject)
  const earlier = []
  for (const version of await registry.versions(subject)) {
    const found = await registry.version(subject, version)
    const label = `${subject}:${version}`
    if (found) earlier.push({ label, schema: await parseRegistered(registry, found, label) })
  }
  const problems = levelProblems(schema, earlier, level)
  if (problems.length > 0)
    throw new ConfigError(`the schema is not ${level} compatible with ${subject}`, {
      cause: new Error(problemsText(problems)),
      next: `etl schema check FILE --subject ${subject}`,
    })
}
