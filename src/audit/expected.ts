import { InputError } from '../errors.ts'
import type { KafkaRecord } from '../kafka/types.ts'
import { type AvroSchema, optionalOf } from '../schema/avro-types.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { SchemaNotFoundError } from '../schema/registry-client/errors.ts'
import { parseRegistered } from '../schema/registry-client/references.ts'
import type { ColumnSpec, TableSpec } from '../schema/table-spec.ts'
import { AvscTypes } from './avsc-type.ts'
import { type Decode, decoderOf } from './decoder.ts'
import { keyTexts } from './key-text.ts'
import { type Meaning, MeaningCompiler } from './meaning.ts'
import { Unreadable } from './unreadable.ts'

/** What a record should have become. */
export interface Expected {
  readonly op: 'write' | 'delete'
  /** Canonical texts (sink/snapshot.ts) in the order of the table's columns; of a delete only the key columns. */
  readonly values: readonly (string | null)[]
}

/** Schemas of the table: what its columns were made from. */
export interface TableSchemas {
  readonly value: AvroSchema
  /** Set when key columns are not in the value. */
  readonly key: AvroSchema | undefined
}

/** Reads a part of a record (value or key) into the columns that come from it. */
type Read = (bytes: Buffer, values: (string | null)[]) => void

/**
 * Turns records into the rows that they should have become, by avsc and by this folder's own reading of the specification;
 * the consumer's decoder has no part in it.
 */
export class ExpectedRows {
  readonly #registry: SchemaRegistry
  readonly #schemas: TableSchemas
  readonly #spec: TableSpec
  readonly #valueReads = new Map<number, Read | Unreadable>()
  readonly #keyReads = new Map<number, Read | Unreadable>()
  /** Some columns of every row come from the record's key. */
  readonly #keysInRows: boolean
  readonly #keyColumns: readonly KeyColumn[]

  constructor(registry: SchemaRegistry, schemas: TableSchemas, spec: TableSpec) {
    this.#registry = registry
    this.#schemas = schemas
    this.#spec = spec
    this.#keysInRows = spec.columns.some((column) => column.source.from === 'key')
    this.#keyColumns = keyColumnsOf(schemas, spec)
  }

  /** Looks up the schemas that the records name; before they are read. */
  async learn(records: readonly KafkaRecord[]): Promise<void> {
    for (const { key, value } of records) {
      if (value !== null) await this.#learn(this.#valueReads, value, (schema) => this.#valueRead(schema))
      if (key !== null && (value === null || this.#keysInRows))
        await this.#learn(this.#keyReads, key, (schema) => this.#keyRead(schema))
    }
  }

  /** Throws Unreadable for a record that should be a dead letter. */
  read({ key, value }: KafkaRecord): Expected {
    const values = new Array<string | null>(this.#spec.columns.length).fill(null)
    if (value !== null) use(this.#valueReads, value)(value, values)
    if (value === null || this.#keysInRows) {
      if (key === null) throw new Unreadable('the record has no key')
      if (isWireFormat(key)) use(this.#keyReads, key)(key, values)
      else {
        const texts = keyTexts(key, this.#keyColumns)
        this.#keyColumns.forEach(({ index }, i) => {
          values[index] = texts[i] ?? null
        })
      }
    }
    return { op: value === null ? 'delete' : 'write', values }
  }

  async #learn(
    known: Map<number, Read | Unreadable>,
    bytes: Buffer,
    compile: (schema: AvroSchema) => Read,
  ): Promise<void> {
    if (!isWireFormat(bytes)) return
    const id = bytes.readUInt32BE(1)
    if (known.has(id)) return
    try {
      known.set(
        id,
        compile(await parseRegistered(this.#registry, await this.#registry.byId(id), `schema id ${id}`)),
      )
    } catch (error) {
      if (error instanceof Unreadable) known.set(id, error)
      else if (error instanceof SchemaNotFoundError || error instanceof InputError)
        known.set(id, new Unreadable(error.message))
      else throw error
    }
  }

  #valueRead(writer: AvroSchema): Read {
    const types = new AvscTypes()
    const compiler = new MeaningCompiler(types)
    const columns = this.#spec.columns.flatMap((column, index) =>
      column.source.from === 'value'
        ? [
            {
              index,
              meaning: compiler.column(writer, this.#schemas.value, column.source.path, column.type),
            },
          ]
        : [],
    )
    return reading(decoderOf(writer, types), columns)
  }

  #keyRead(writer: AvroSchema): Read {
    const types = new AvscTypes()
    const compiler = new MeaningCompiler(types)
    const columns = this.#keyColumns.map(({ index, column, names, schema }) => {
      const { key } = this.#schemas
      if (key?.type === 'record' && writer.type === 'record')
        return { index, meaning: compiler.column(writer, key, column.source.path, column.type) }
      // A bare value is the key's only column.
      if (writer.type !== 'record')
        return { index, meaning: compiler.column(writer, schema, [], column.type) }
      const at = writer.fields.findIndex((field) => names.includes(field.name))
      const field = writer.fields[at]
      if (!field) throw new Unreadable(`the key has no field ${names[0]}`)
      const read = compiler.column(field.type, schema, [], column.type)
      return { index, meaning: (raw: unknown) => read((raw as Record<string, unknown>)[`f${at}`]) }
    })
    return reading(decoderOf(writer, types), columns)
  }
}

interface KeyColumn {
  /** Place in the row. */
  readonly index: number
  readonly column: ColumnSpec
  /** Of the field in the key: its Avro name and its original one. */
  readonly names: readonly string[]
  readonly schema: AvroSchema
}

/** Columns that come from the key: those that say so, or, for a deletion, the table's key. */
function keyColumnsOf(schemas: TableSchemas, { columns, primaryKey }: TableSpec): KeyColumn[] {
  const source = schemas.key ?? schemas.value
  return columns.flatMap((column, index) => {
    const wanted = schemas.key ? column.source.from === 'key' : primaryKey.includes(column.name)
    if (!wanted) return []
    const found = schemaAt(source, column.source.path)
    return found ? [{ index, column, names: found.names, schema: found.schema }] : []
  })
}

/** The schema at a path of field names, null left aside, and the names of its field. */
function schemaAt(
  schema: AvroSchema,
  path: readonly string[],
  names: readonly string[] = [],
): { schema: AvroSchema; names: readonly string[] } | undefined {
  const inner = optionalOf(schema) ?? schema
  const [name, ...rest] = path
  if (name === undefined) return { schema: inner, names }
  const field = inner.type === 'record' ? inner.fields.find((f) => f.name === name) : undefined
  return field && schemaAt(field.type, rest, [field.name, field.originalName])
}

function reading(decode: Decode, columns: readonly { index: number; meaning: Meaning }[]): Read {
  return (bytes, values) => {
    const raw = decode(bytes)
    for (const { index, meaning } of columns) values[index] = meaning(raw)
  }
}

function use(reads: ReadonlyMap<number, Read | Unreadable>, bytes: Buffer): Read {
  const read = isWireFormat(bytes) ? reads.get(bytes.readUInt32BE(1)) : undefined
  if (read === undefined) throw new Unreadable("not in the registry's wire format")
  if (read instanceof Unreadable) throw read
  return read
}

/** Magic byte 0, schema id in four bytes. */
function isWireFormat(bytes: Buffer): boolean {
  return bytes.length >= 5 && bytes[0] === 0
}
