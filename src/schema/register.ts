import { ConfigError } from '../errors.ts'
import { checkSubject, type SubjectCheck } from './compat/check.ts'
import { problemsText } from './compat/problem-text.ts'
import type { SchemaReference, SchemaRegistry } from './registry.ts'
import type { LoadedSchema } from './registry-client/schema-ref.ts'

export interface Registration {
  readonly file: string
  readonly subject: string
  readonly id: number
  readonly version: number
  readonly outcome: 'registered' | 'already there'
}

/**
 * Registers a schema unless the subject has it already. The compatibility is checked here first, since a registry says less about
 * what does not fit.
 * @throws ConfigError that lists the incompatibilities, without anything registered
 */
export async function registerSchema(
  registry: SchemaRegistry,
  { label: file, text, schema }: LoadedSchema,
  subject: string,
  references: readonly SchemaReference[],
  options: { readonly check: boolean },
): Promise<Registration> {
  const request = { schema: text, references }
  const known = await registry.lookup(subject, request)
  if (known) return { file, subject, id: known.id, version: known.version, outcome: 'already there' }
  if (options.check) refuse(file, subject, await checkSubject(registry, subject, schema))
  const id = await registry.register(subject, request)
  const version = (await registry.lookup(subject, request))?.version
  if (version === undefined) {
    throw new ConfigError(`${subject} was registered with id ${id} and is gone again`, {
      next: `etl schema register ${file} --subject ${subject}`,
    })
  }
  return { file, subject, id, version, outcome: 'registered' }
}

function refuse(file: string, subject: string, { level, problems }: SubjectCheck): void {
  if (problems.length === 0) return
  throw new ConfigError(`not ${level} compatible with subject ${subject}, nothing was registered`, {
    where: file,
    cause: new Error(problemsText(problems)),
    next: 'give new fields a default and keep types; --no-check leaves the decision to the registry',
  })
}
