import { UsageError } from '../../errors.ts'
import type { ByteWriter } from '../../schema/avro/byte-writer.ts'
import { RecordError, shown } from '../../schema/avro/errors.ts'
import { compileJsonEncoder } from '../../schema/avro/json-encoder.ts'
import type { AvroField, AvroRecord, AvroSchema } from '../../schema/avro-schema.ts'
import { optionalOf, typeText } from '../../schema/avro-schema.ts'
import { JsonNumber, jsonText } from '../../schema/json-text.ts'

export const keyFormats = ['string', 'json', 'avro'] as const
/**
 * How key fields become key bytes.
 * - string: the value as text in UTF-8, what the string serializers of other clients write; several fields: a JSON array.
 * - json: the JSON of one field, or an object of several.
 * - avro: a record of the fields in the registry's wire format.
 */
export type KeyFormat = (typeof keyFormats)[number]

export interface KeySpec {
  /** Names of fields of the value, original or Avro names. Empty: records have no key. */
  readonly fields: readonly string[]
  readonly format: KeyFormat
  /** avro: schema of the key and its id. */
  readonly schema?: AvroRecord | undefined
  readonly schemaId?: number | undefined
}

/** A record before it is encoded: what JSON.parse gives, by original field names. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** Appends the key's bytes; throws RecordError when the record cannot have one. */
export type WriteKey = (record: JsonRecord, out: ByteWriter) => void

/** The fields that `names` mean. Throws UsageError for a name that the schema does not have, or a type that makes no key. */
export function keyFields(schema: AvroRecord, names: readonly string[]): AvroField[] {
  return names.map((name) => {
    const field =
      schema.fields.find((f) => f.originalName === name) ?? schema.fields.find((f) => f.name === name)
    if (!field) {
      throw new UsageError(`the schema has no field '${name}' to take the key from`, {
        where: `record ${schema.fullName}`,
        next: `--key with one of: ${schema.fields.map((f) => f.originalName).join(', ')}`,
      })
    }
    const type = optionalOf(field.type) ?? field.type
    if (['null', 'record', 'array', 'map', 'union'].includes(type.type)) {
      throw new UsageError(`the field '${name}' is ${typeText(type)}, which makes no key`, {
        where: `record ${schema.fullName}`,
      })
    }
    return field
  })
}

/** Compiles the key of records of `schema`; undefined: they have none. Throws what keyFields throws. */
export function compileKey(schema: AvroRecord, spec: KeySpec, cells: boolean): WriteKey | undefined {
  if (spec.fields.length === 0) return undefined
  const fields = keyFields(schema, spec.fields)
  if (spec.format === 'avro') return avroKey(fields, spec, cells)
  const [first] = fields as [AvroField]
  if (spec.format === 'string' && fields.length === 1)
    return (record, out) => out.bytes(Buffer.from(textOf(record, first)))
  const text = (record: JsonRecord, field: AvroField) => jsonOf(keyValue(record, field), field)
  const one = (record: JsonRecord) => text(record, first)
  const array = (record: JsonRecord) => `[${fields.map((field) => text(record, field)).join(',')}]`
  const object = (record: JsonRecord) =>
    `{${fields.map((field) => `${JSON.stringify(field.originalName)}:${text(record, field)}`).join(',')}}`
  const write = spec.format === 'string' ? array : fields.length === 1 ? one : object
  return (record, out) => out.bytes(Buffer.from(write(record)))
}

function avroKey(fields: readonly AvroField[], spec: KeySpec, cells: boolean): WriteKey {
  const { schema, schemaId } = spec
  if (!schema || schemaId === undefined) throw new Error('an Avro key needs its schema and id')
  const encode = compileJsonEncoder(schema, { cells })
  return (record, out) => {
    const key: Record<string, unknown> = {}
    for (const field of fields) key[field.originalName] = keyValue(record, field)
    out.byte(0)
    out.uint32be(schemaId)
    encode(key, out)
  }
}

function keyValue(record: JsonRecord, field: AvroField): unknown {
  const own = Object.hasOwn(record, field.originalName) ? record[field.originalName] : undefined
  const value = own === undefined ? field.default : own
  if (value === undefined || value === null) {
    throw new RecordError(field.originalName, 'the key field is null or missing')
  }
  return value
}

function textOf(record: JsonRecord, field: AvroField): string {
  const value = keyValue(record, field)
  if (typeof value === 'string') return value
  if (typeof value === 'object' && !(value instanceof JsonNumber)) {
    throw new RecordError(field.originalName, `expected a key of text or a number, found ${shown(value)}`)
  }
  return scalarText(value)
}

function jsonOf(value: unknown, field: AvroField): string {
  if (typeof value === 'string')
    return isNumber(field.type) && isNumberText(value) ? value : JSON.stringify(value)
  return scalarText(value)
}

function scalarText(value: unknown): string {
  return jsonText(value as never)
}

/** A number may come as text, from CSV always; in a JSON key it is a number all the same. */
function isNumber(type: AvroSchema): boolean {
  const base = optionalOf(type) ?? type
  return ['int', 'long', 'float', 'double'].includes(base.type) && !('logical' in base && base.logical)
}

function isNumberText(text: string): boolean {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)
}

/**
 * Avro schema, as JSON text, of a key made of `names`: a record named after the value's record, with the fields as the value has them but
 * never null. Throws what keyFields throws.
 */
export function keySchemaText(schema: AvroRecord, names: readonly string[]): string {
  return JSON.stringify({
    type: 'record',
    name: `${schema.name}Key`,
    ...(schema.namespace === undefined ? {} : { namespace: schema.namespace }),
    fields: keyFields(schema, names).map((field) => ({
      name: field.name,
      type: scalarJson(optionalOf(field.type) ?? field.type),
      ...(field.originalName === field.name ? {} : { originalName: field.originalName }),
    })),
  })
}

function scalarJson(schema: AvroSchema): unknown {
  const logical = 'logical' in schema ? schema.logical : undefined
  const annotations = logical
    ? {
        logicalType: logical.name,
        ...(logical.name === 'decimal' ? { precision: logical.precision, scale: logical.scale } : {}),
      }
    : {}
  if (schema.type === 'enum' || schema.type === 'fixed') {
    const { name, namespace } = schema
    const own = schema.type === 'enum' ? { symbols: schema.symbols } : { size: schema.size, ...annotations }
    return { type: schema.type, name, ...(namespace === undefined ? {} : { namespace }), ...own }
  }
  return logical ? { type: schema.type, ...annotations } : schema.type
}
