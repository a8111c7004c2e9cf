import { ConfigError, EtlError, InputError } from '../../errors.ts'
import type { KafkaRecord } from '../../kafka/types.ts'
import { compileRowDecoder, type RowDecoder } from '../../schema/avro/row-decoder.ts'
import { type AvroSchema, parseSchema } from '../../schema/avro-schema.ts'
import type { SchemaRegistry } from '../../schema/registry.ts'
import { SchemaNotFoundError } from '../../schema/registry-client/errors.ts'
import { parseRegistered } from '../../schema/registry-client/references.ts'
import type { SqlValue } from '../../schema/table-spec.ts'
import { schemaIdOf, wireHeaderLength } from '../../schema/wire-format.ts'
import type { DeadLetter, EncodedBatch, LaneTarget, Row } from '../../sink/sink.ts'
import { addDigest, type RecordDigest } from '../digest.ts'
import type { Slice } from './batch-queue.ts'
import type { ReaderSchemas } from './job.ts'
import { KeyDecoder } from './key-decoder.ts'

/** What is known of a schema id: what to read its records with, or why they cannot be read. */
type Known<T> = { readonly use: T } | { readonly problem: string }

/**
 * Turns records into rows of the target table. The writer's schema is the one that the record names, the reader's is the table's, so a
 * topic may mix schema versions. A record that cannot be decoded becomes a dead letter; a registry that is
 * away is not the record's fault: `learn` rejects with UnreachableError.
 */
export class RecordEncoder {
  private readonly registry: SchemaRegistry
  private readonly reader: AvroSchema
  private readonly target: LaneTarget
  private readonly digest: RecordDigest
  private readonly keys: KeyDecoder | undefined
  /** Some columns of every row come from the record's key. */
  private readonly keysInRows: boolean
  private readonly valueDecoders = new Map<number, Known<RowDecoder>>()
  private readonly keySchemas = new Map<number, Known<AvroSchema>>()

  constructor(registry: SchemaRegistry, reader: ReaderSchemas, target: LaneTarget, digest: RecordDigest) {
    this.registry = registry
    this.reader = parseSchema(reader.value.text, "the table's schema", reader.value.references)
    this.target = target
    this.digest = digest
    if (this.reader.type !== 'record') throw new ConfigError("the table's schema is not a record")
    this.keysInRows = target.table.columns.some((column) => column.source.from === 'key')
    if (reader.key)
      this.keys = new KeyDecoder(
        parseSchema(reader.key.text, "the table's key schema", reader.key.references),
        target.table.columns,
      )
    else
      this.keys = target.mode === 'upsert' ? KeyDecoder.ofValueFields(this.reader, target.table) : undefined
  }

  /** True when a schema of `records` has to be learnt before they can be encoded. */
  needsSchemas(records: readonly KafkaRecord[]): boolean {
    return records.some(
      ({ key, value }) =>
        (value !== null && isNew(this.valueDecoders, value)) ||
        (key !== null && this.readsKey(value) && isNew(this.keySchemas, key)),
    )
  }

  /** Looks up and compiles every schema id in `records` that is new. Throws UnreachableError. */
  async learn(records: readonly KafkaRecord[]): Promise<void> {
    for (const { key, value } of records) {
      if (value !== null) await this.learnOne(this.valueDecoders, value, (schema) => this.compile(schema))
      if (key !== null && this.readsKey(value)) await this.learnOne(this.keySchemas, key, (schema) => schema)
    }
  }

  /** The schemas of the records must have been learnt. */
  encode({ firstOffset, nextOffset, records }: Slice): EncodedBatch {
    const rows: Row[] = []
    const rejected: DeadLetter[] = []
    let digest = 0n
    for (const record of records) {
      digest = addDigest(digest, this.digest(record))
      try {
        rows.push(record.value === null ? this.deletion(record) : this.row(record, record.value))
      } catch (error) {
        // Every decoder reports what is wrong with the record as an EtlError; anything else is a bug of ours.
        if (!(error instanceof EtlError)) throw error
        rejected.push(deadLetter(record, error))
      }
    }
    return { firstOffset, nextOffset, read: records.length, filtered: 0, rows, rejected, digest }
  }

  private row(record: KafkaRecord, value: Buffer): Row {
    const decode = usable(this.valueDecoders.get(schemaIdOf(value)))
    const values = decode(value, wireHeaderLength)
    return { op: 'write', record, values: this.keysInRows ? this.keyColumns(record, values) : values }
  }

  private deletion(record: KafkaRecord): Row {
    if (this.target.mode === 'insert')
      throw new Unreadable('a tombstone (null value) deletes a row, which insert mode does not do')
    return { op: 'delete', record, values: this.keyColumns(record) }
  }

  private keyColumns({ key }: KafkaRecord, row?: SqlValue[]): SqlValue[] {
    if (key === null || !this.keys)
      throw new Unreadable('the record has no key, and the key columns come from it')
    return isWireFormat(key)
      ? this.keys.fromAvro(key, usable(this.keySchemas.get(schemaIdOf(key))), row)
      : this.keys.fromText(key, row)
  }

  private readsKey(value: Buffer | null): boolean {
    return value === null || this.keysInRows
  }

  private async learnOne<T>(
    known: Map<number, Known<T>>,
    bytes: Buffer,
    compile: (schema: AvroSchema) => T,
  ): Promise<void> {
    if (!isNew(known, bytes)) return
    const id = schemaIdOf(bytes)
    try {
      const schema = await parseRegistered(this.registry, await this.registry.byId(id), `schema id ${id}`)
      known.set(id, { use: compile(schema) })
    } catch (error) {
      // Only what is wrong with this schema is the record's problem; a registry that is away or strange is not.
      if (!(error instanceof SchemaNotFoundError || error instanceof InputError)) throw error
      known.set(id, { problem: `schema id ${id}: ${error.message}` })
    }
  }

  private compile(writer: AvroSchema): RowDecoder {
    return compileRowDecoder({ writer, reader: this.reader, columns: this.target.table.columns })
  }
}

function usable<T>(known: Known<T> | undefined): T {
  if (known && 'use' in known) return known.use
  throw new Unreadable(known?.problem ?? 'the schema is not known')
}

/** Why a record cannot become a row; only ever seen as a dead letter. */
class Unreadable extends EtlError {
  readonly code = 'unreadable'
  readonly exitCode = 2
}

function isNew(known: ReadonlyMap<number, unknown>, bytes: Buffer): boolean {
  return isWireFormat(bytes) && !known.has(schemaIdOf(bytes))
}

function isWireFormat(bytes: Buffer): boolean {
  return bytes.length >= wireHeaderLength && bytes[0] === 0
}

function deadLetter(record: KafkaRecord, error: EtlError): DeadLetter {
  const bytes = record.value ?? record.key
  return {
    record,
    schemaId: bytes !== null && isWireFormat(bytes) ? schemaIdOf(bytes) : null,
    errorClass: error instanceof Unreadable ? 'schema' : 'decode',
    message: error.message,
  }
}
