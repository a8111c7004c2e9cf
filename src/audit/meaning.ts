import type { AvroField, AvroRecord, AvroSchema, AvroUnion } from '../schema/avro-types.ts'
import type { ColumnType } from '../schema/table-spec.ts'
import { canonicalObject } from '../sink/canonical.ts'
import type { AvscTypes } from './avsc-type.ts'
import { defaultValue } from './default-value.ts'
import { jsonScalar, type Scalar, scalarText } from './scalar-text.ts'
import { Unreadable } from './unreadable.ts'

/** Canonical text (sink/snapshot.ts) of what avsc decoded; null is SQL's NULL. Throws Unreadable. */
export type Meaning = (raw: unknown) => string | null

/**
 * What a record means for the columns of the table: Avro's schema resolution on decoded values, from the specification and
 * without the consumer's code. https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 * Choices that it leaves open are made as docs/schemas.md says.
 */
export class MeaningCompiler {
  readonly #types: AvscTypes
  readonly #records = new Map<AvroRecord, Map<AvroRecord, (raw: unknown) => string>>()

  constructor(types: AvscTypes) {
    this.#types = types
  }

  /** The column at `path` below `reader`, of a value that was written as `writer`. Throws Unreadable. */
  column(writer: AvroSchema, reader: AvroSchema, path: readonly string[], type: ColumnType): Meaning {
    if (writer.type === 'union') {
      return this.#byBranch(writer, null, (branch) => this.column(branch, reader, path, type))
    }
    if (reader.type === 'union') {
      return this.#firstOf(writer, reader, (branch) => this.column(writer, branch, path, type))
    }
    if (writer.type === 'null' && reader.type === 'null') return () => null
    const [name, ...rest] = path
    if (name === undefined) {
      return type.kind === 'json' ? this.#json(writer, reader) : scalarText(...scalars(writer, reader), type)
    }
    if (writer.type !== 'record' || reader.type !== 'record') throw new Unreadable(`no record holds ${name}`)
    const field = reader.fields.find((candidate) => candidate.name === name)
    if (!field) throw new Unreadable(`the schema has no field ${name}`)
    const index = fieldOf(writer, field)
    if (index === undefined) {
      const value = this.column(field.type, field.type, rest, type)(this.#default(field))
      return () => value
    }
    const read = this.column((writer.fields[index] as AvroField).type, field.type, rest, type)
    return (raw) => read((raw as Record<string, unknown>)[`f${index}`])
  }

  #json(writer: AvroSchema, reader: AvroSchema): (raw: unknown) => string {
    if (writer.type === 'union') return this.#byBranch(writer, 'null', (branch) => this.#json(branch, reader))
    if (reader.type === 'union') {
      return this.#firstOf(writer, reader, (branch) => this.#json(writer, branch))
    }
    if (writer.type === 'record' && reader.type === 'record') return this.#jsonRecord(writer, reader)
    if (writer.type === 'array' && reader.type === 'array') {
      const item = this.#json(writer.items, reader.items)
      return (raw) => `[${(raw as unknown[]).map(item).join(',')}]`
    }
    if (writer.type === 'map' && reader.type === 'map') {
      const value = this.#json(writer.values, reader.values)
      return (raw) =>
        canonicalObject(Object.entries(raw as object).map(([key, member]) => [key, value(member)] as const))
    }
    return jsonScalar(...scalars(writer, reader))
  }

  #jsonRecord(writer: AvroRecord, reader: AvroRecord): (raw: unknown) => string {
    const known = this.#records.get(writer)?.get(reader)
    if (known) return known
    const members: { readonly name: string; readonly read: (raw: Record<string, unknown>) => string }[] = []
    const read = (raw: unknown) =>
      canonicalObject(members.map((member) => [member.name, member.read(raw as never)] as const))
    // Known before its fields are: a record may hold itself.
    const ofWriter = this.#records.get(writer) ?? new Map()
    this.#records.set(writer, ofWriter.set(reader, read))
    try {
      for (const field of reader.fields) {
        members.push({ name: field.originalName, read: this.#jsonField(writer, field) })
      }
    } catch (error) {
      ofWriter.delete(reader)
      throw error
    }
    return read
  }

  #jsonField(writer: AvroRecord, field: AvroField): (raw: Record<string, unknown>) => string {
    const index = fieldOf(writer, field)
    if (index === undefined) {
      const value = this.#json(field.type, field.type)(this.#default(field))
      return () => value
    }
    const read = this.#json((writer.fields[index] as AvroField).type, field.type)
    return (raw) => read(raw[`f${index}`])
  }

  #default(field: AvroField): unknown {
    if (field.default === undefined) throw new Unreadable(`the field ${field.name} was not written`)
    return defaultValue(field.type, field.default, this.#types)
  }

  /** avsc gives a union's value as an object whose only key names the branch, and null as itself. */
  #byBranch<T extends string | null>(
    writer: AvroUnion,
    ofNull: T,
    compile: (branch: AvroSchema) => (raw: unknown) => T,
  ): (raw: unknown) => T {
    const reads = new Map<string, (raw: unknown) => T>()
    for (const branch of writer.branches) {
      const name = this.#types.branchName(branch)
      // A branch that the reader cannot take only matters for the records that use it.
      const read = attempt(() => compile(branch))
      reads.set(
        name,
        read instanceof Unreadable
          ? () => {
              throw read
            }
          : read,
      )
    }
    return (raw) => {
      if (raw === null) return ofNull
      for (const name in raw as object) return (reads.get(name) as (raw: unknown) => T)((raw as never)[name])
      throw new Unreadable('a union without a value')
    }
  }

  /** The reader's branch of the same name and type if there is one, else the first that the value can be read as. */
  #firstOf<T>(writer: AvroSchema, reader: AvroUnion, compile: (branch: AvroSchema) => T): T {
    let reason: Unreadable | undefined
    const byLikeness = [...reader.branches].sort((a, b) => distance(writer, a) - distance(writer, b))
    for (const branch of byLikeness) {
      const read = attempt(() => compile(branch))
      if (!(read instanceof Unreadable)) return read
      reason ??= read
    }
    throw reason ?? new Unreadable('an empty union')
  }
}

function attempt<T>(work: () => T): T | Unreadable {
  try {
    return work()
  } catch (error) {
    if (error instanceof Unreadable) return error
    throw error
  }
}

/** Index of the writer's field for a field of the reader: by name, else by the reader's aliases. */
function fieldOf(writer: AvroRecord, field: AvroField): number | undefined {
  for (const name of [field.name, ...field.aliases]) {
    const index = writer.fields.findIndex((candidate) => candidate.name === name)
    if (index >= 0) return index
  }
  return undefined
}

const promoted: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

function scalars(writer: AvroSchema, reader: AvroSchema): [Scalar, Scalar] {
  if (!isScalar(writer) || !isScalar(reader)) throw mismatch(writer, reader)
  const same = writer.type === reader.type
  if (!same && !promoted[writer.type]?.includes(reader.type)) throw mismatch(writer, reader)
  if (writer.type === 'fixed' && reader.type === 'fixed' && writer.size !== reader.size)
    throw mismatch(writer, reader)
  return [writer, reader]
}

function isScalar(schema: AvroSchema): schema is Scalar {
  return !['record', 'array', 'map', 'union'].includes(schema.type)
}

function mismatch(writer: AvroSchema, reader: AvroSchema): Unreadable {
  return new Unreadable(`written as ${writer.type}, which cannot be read as ${reader.type}`)
}

/** 0 for the same name (where there is one), type and logical type, more for less. */
function distance(writer: AvroSchema, reader: AvroSchema): number {
  if (writer.type !== reader.type) return 3
  if ('fullName' in writer && 'fullName' in reader) {
    if (writer.fullName === reader.fullName) return 0
    return writer.name === reader.name || reader.aliases.includes(writer.fullName) ? 1 : 2
  }
  return logicalOf(writer) === logicalOf(reader) ? 0 : 2
}

function logicalOf(schema: AvroSchema): string {
  return 'logical' in schema && schema.logical ? JSON.stringify(schema.logical) : ''
}
