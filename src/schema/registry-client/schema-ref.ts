import { existsSync, readFileSync } from 'node:fs'
import { ConfigError, UsageError } from '../../errors.ts'
import { type AvroSchema, parseSchema } from '../avro-schema.ts'
import type { SchemaReference, SchemaRegistry } from '../registry.ts'
import { parseRegistered, referencedTexts } from './references.ts'

/** A schema from a file or a registry. */
export interface LoadedSchema {
  /** File name or `subject:version`. */
  readonly label: string
  readonly text: string
  readonly schema: AvroSchema
}

/** The registry, opened when it is needed: two files are compared without one. */
export type LazyRegistry = () => SchemaRegistry

/**
 * Loads what a user names: a file, `subject:version`, or `subject` for its latest version.
 * @throws UsageError, ConfigError when there is no such thing; InputError when it is not Avro
 */
export async function loadSchema(
  ref: string,
  registry: LazyRegistry,
  references: readonly SchemaReference[] = [],
): Promise<LoadedSchema> {
  if (existsSync(ref)) return loadSchemaFile(ref, registry, references)
  if (/\.(avsc|json)$/i.test(ref) || ref.includes('/')) throw missingFile(ref)
  const [, subject, digits] = /^(.+?)(?::(\d+))?$/s.exec(ref) ?? []
  if (!subject)
    throw new UsageError('an empty name of a schema', { next: 'give a file, SUBJECT or SUBJECT:VERSION' })
  const found = digits ? await registry().version(subject, Number(digits)) : await registry().latest(subject)
  if (!found) {
    throw new ConfigError(`there is no file and no registered schema ${ref}`, {
      next: `etl schema register FILE --subject ${subject}`,
    })
  }
  const label = `${found.subject}:${found.version}`
  return { label, text: found.schema, schema: await parseRegistered(registry(), found, label) }
}

/** Loads a schema file whose `references` are registered already. Throws UsageError, ConfigError, InputError. */
export async function loadSchemaFile(
  path: string,
  registry: LazyRegistry,
  references: readonly SchemaReference[] = [],
): Promise<LoadedSchema> {
  const text = readText(path)
  const texts = references.length > 0 ? await referencedTexts(registry(), references) : []
  return { label: path, text, schema: parseSchema(text, path, texts) }
}

/** `com.exam.Address=address-value:2`. Throws UsageError. */
export function parseReference(text: string): SchemaReference {
  const [, name, subject, version] = /^([^=]+)=(.+):(\d+)$/s.exec(text) ?? []
  if (name && subject && version) return { name, subject, version: Number(version) }
  throw new UsageError(`"${text}" is not a reference`, {
    next: '--reference com.exam.Address=address-value:2',
  })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missingFile(path)
    throw new UsageError('the schema file cannot be read', { where: path, cause })
  }
}

function missingFile(path: string): UsageError {
  return new UsageError('there is no such schema file', {
    where: path,
    next: 'etl schema gen SAMPLE makes one',
  })
}
