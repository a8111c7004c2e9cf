import { ConfigError, InputError } from '../../errors.ts'
import { type AvroSchema, parseSchema } from '../avro-schema.ts'
import type { RegisteredSchema, SchemaReference, SchemaRegistry } from '../registry.ts'

/** The schema with the types that its references bring. Throws ConfigError for a missing reference, InputError for bad Avro. */
export async function parseRegistered(
  registry: SchemaRegistry,
  { schema, references = [] }: RegisteredSchema,
  where: string,
): Promise<AvroSchema> {
  return parseSchema(schema, where, await referencedTexts(registry, references))
}

/** Schemas that one schema may need. */
const maxReferences = 500

/** Texts of all schemas referred to, directly or not, each once and after those it uses itself. Throws InputError for too many. */
export async function referencedTexts(
  registry: SchemaRegistry,
  references: readonly SchemaReference[],
): Promise<string[]> {
  const texts = new Map<string, string>()
  const visiting = new Set<string>()
  const visit = async ({ name, subject, version }: SchemaReference): Promise<void> => {
    const key = `${subject}:${version}`
    if (texts.has(key) || visiting.has(key)) return
    visiting.add(key)
    if (visiting.size > maxReferences)
      throw new InputError(`the schema refers to more than ${maxReferences} others`, { where: key })
    const found = await registry.version(subject, version)
    if (!found) {
      throw new ConfigError(`the reference ${name} leads to ${key}, which is not registered`, {
        next: `etl schema register FILE --subject ${subject}`,
      })
    }
    for (const inner of found.references ?? []) await visit(inner)
    texts.set(key, found.schema)
  }
  for (const reference of references) await visit(reference)
  return [...texts.values()]
}
