import { ConfigError, UsageError } from '../../errors.ts'
import type { KafkaAdmin, TopicInfo } from '../../kafka/admin.ts'
import { unknownTopic } from '../../kafka/errors.ts'
import { type AvroRecord, parseSchema } from '../../schema/avro-schema.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../schema/registry.ts'
import { referencedTexts } from '../../schema/registry-client/references.ts'
import type { SchemaText } from './job.ts'
import { type KeyFormat, keyFields, keySchemaText } from './record-key.ts'

export interface TargetRequest {
  readonly topic: string
  /** Subject of the value's schema. */
  readonly subject: string
  /** Schema file; undefined: the latest version of the subject. */
  readonly file: { readonly path: string; readonly text: string } | undefined
  /** Registers the file's schema when it is not yet. */
  readonly register: boolean
  readonly keyFields: readonly string[]
  readonly keyFormat: KeyFormat
}

/** Schemas with their ids, checked against each other. */
export interface ProduceSchemas {
  readonly value: SchemaText
  readonly key: SchemaText | undefined
}

/** The topic, which must exist: producing never creates one. Throws ConfigError. */
export async function targetTopic(admin: KafkaAdmin, topic: string): Promise<TopicInfo> {
  const info = await admin.topic(topic)
  if (info) return info
  throw unknownTopic(topic)
}

/**
 * The schemas that the records are written with, from the registry. Throws ConfigError when the value's schema is not registered (and
 * `register` is not set) or is no record, UsageError for key fields that it does not have. The schema of an Avro key
 * is registered under `<topic>-key`.
 */
export async function resolveSchemas(
  registry: SchemaRegistry,
  request: TargetRequest,
): Promise<ProduceSchemas> {
  const { topic, subject, file } = request
  const value = file ? await fromFile(registry, request, file) : await latest(registry, topic, subject)
  const record = recordOf(value)
  if (request.keyFields.length === 0) return { value, key: undefined }
  keyFields(record, request.keyFields)
  if (request.keyFormat !== 'avro') return { value, key: undefined }
  const text = keySchemaText(record, request.keyFields)
  const keySubject = `${topic}-key`
  const id = await registry.register(keySubject, { schema: text })
  return { value, key: { id, text, name: keySubject, references: [] } }
}

/** The schemas of a dry run with a schema file: no registry is asked. */
export function localSchemas(request: TargetRequest): ProduceSchemas {
  const { file } = request
  if (!file)
    throw new UsageError('a dry run without a registry needs a schema file', { next: '--schema FILE.avsc' })
  const value = { id: 0, text: file.text, name: file.path, references: [] }
  const record = recordOf(value)
  keyFields(record, request.keyFields)
  if (request.keyFormat !== 'avro' || request.keyFields.length === 0) return { value, key: undefined }
  return {
    value,
    key: { id: 0, text: keySchemaText(record, request.keyFields), name: 'key', references: [] },
  }
}

async function latest(registry: SchemaRegistry, topic: string, subject: string): Promise<SchemaText> {
  const found = await registry.latest(subject)
  if (!found) {
    throw new ConfigError(`no schema is registered under ${subject}`, {
      next: `etl apply --topic ${topic} --schema FILE.avsc`,
    })
  }
  return schemaText(registry, found.id, found, `${subject} version ${found.version}`)
}

async function fromFile(
  registry: SchemaRegistry,
  { subject, register }: TargetRequest,
  { path, text }: { path: string; text: string },
): Promise<SchemaText> {
  // Told apart from what the registry says: a broken file has a line and a column.
  parseSchema(text, path)
  const schema: RegisteredSchema = { schema: text }
  const found = await registry.lookup(subject, schema)
  if (found) return schemaText(registry, found.id, found, path)
  if (register) return schemaText(registry, await registry.register(subject, schema), schema, path)
  throw new ConfigError(`this schema is not registered under ${subject}`, {
    where: path,
    next: `etl schema register ${path} --subject ${subject}, or the same command with --register`,
  })
}

async function schemaText(
  registry: SchemaRegistry,
  id: number,
  schema: RegisteredSchema,
  name: string,
): Promise<SchemaText> {
  return {
    id,
    text: schema.schema,
    name,
    references: await referencedTexts(registry, schema.references ?? []),
  }
}

/** The parsed schema, which must be a record. Throws ConfigError. */
export function recordOf({ text, name, references }: SchemaText): AvroRecord {
  const schema = parseSchema(text, name, references)
  if (schema.type === 'record') return schema
  throw new ConfigError(`records need a schema that is a record; this one is ${schema.type}`, { where: name })
}
