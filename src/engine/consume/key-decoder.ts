import { ByteWriter } from '../../schema/avro/byte-writer.ts'
import { DecodeError } from '../../schema/avro/errors.ts'
import { compileJsonEncoder, type JsonEncoder } from '../../schema/avro/json-encoder.ts'
import { compileRowDecoder, type RowDecoder } from '../../schema/avro/row-decoder.ts'
import { type AvroRecord, type AvroSchema, parseSchema } from '../../schema/avro-schema.ts'
import type { ColumnSpec, SqlValue, TableSpec } from '../../schema/table-spec.ts'
import { wireHeaderLength } from '../../schema/wire-format.ts'
import { keySchemaText } from '../produce/record-key.ts'

/**
 * Reads the primary key of a row from a record's key: a tombstone has nothing else. Keys are what `etl produce` and common
 * serializers write: Avro in the registry's wire format, or text: the value itself for a key of one column, a
 * JSON array or object for several. Text becomes a typed value by the same rules as a CSV cell.
 */
export class KeyDecoder {
  private readonly schema: AvroRecord
  private readonly columns: readonly ColumnSpec[]
  private readonly encodeText: JsonEncoder
  private readonly decodeOwn: RowDecoder
  private readonly writer = new ByteWriter()
  private readonly decoders = new Map<AvroSchema, RowDecoder>()

  /** `value` is the schema that the table was made from. Throws UsageError when a key column is no scalar field. */
  constructor(value: AvroRecord, table: TableSpec) {
    const key = table.columns.filter((column) => table.primaryKey.includes(column.name))
    const names = key.map((column) => column.source.path.at(-1) as string)
    this.schema = parseSchema(keySchemaText(value, names), 'key of the table') as AvroRecord
    this.columns = table.columns.map((column) =>
      table.primaryKey.includes(column.name)
        ? { ...column, source: { from: 'key', path: column.source.path.slice(-1) } }
        : column,
    )
    this.encodeText = compileJsonEncoder(this.schema, { cells: true })
    this.decodeOwn = compileRowDecoder({
      writer: this.schema,
      reader: this.schema,
      columns: this.columns,
      from: 'key',
    })
  }

  /** Row with the key columns set and the others null. Throws DecodeError. */
  fromText(key: Buffer): SqlValue[] {
    const text = key.toString('utf8')
    this.writer.reset()
    this.encodeText(this.fieldsOf(text), this.writer)
    return this.decodeOwn(Buffer.from(this.writer.view()), 0)
  }

  /** The same for a key in the wire format, written with `writer`. Throws DecodeError. */
  fromAvro(key: Buffer, writer: AvroSchema): SqlValue[] {
    let decode = this.decoders.get(writer)
    if (!decode) {
      // The key record's name says nothing; its fields must fit.
      const reader: AvroSchema =
        writer.type === 'record' ? { ...this.schema, name: writer.name, fullName: writer.fullName } : writer
      decode = compileRowDecoder({ writer, reader, columns: this.columnsFor(writer), from: 'key' })
      this.decoders.set(writer, decode)
    }
    return decode(key, wireHeaderLength)
  }

  private columnsFor(writer: AvroSchema): readonly ColumnSpec[] {
    if (writer.type === 'record') return this.columns
    return this.columns.map((column) =>
      column.source.from === 'key' ? { ...column, source: { from: 'key', path: [] } } : column,
    )
  }

  private fieldsOf(text: string): Record<string, unknown> {
    const [first, ...rest] = this.schema.fields
    if (!first) throw new DecodeError('', 'the table has no key column')
    if (rest.length === 0) return { [first.originalName]: text }
    const parsed = parseJson(text)
    if (Array.isArray(parsed) && parsed.length === this.schema.fields.length)
      return Object.fromEntries(this.schema.fields.map((field, i) => [field.originalName, cell(parsed[i])]))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, cell(value)]))
    throw new DecodeError('', `expected a JSON array or object with ${this.schema.fields.length} key values`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
      // Numbers keep all their digits as text, which is what a cell is.
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    )
  } catch {
    return undefined
  }
}

function cell(value: unknown): unknown {
  return typeof value === 'string' || value === null ? value : String(value)
}
