import { ByteWriter } from '../../schema/avro/byte-writer.ts'
import { DecodeError } from '../../schema/avro/errors.ts'
import { compileJsonEncoder, type JsonEncoder } from '../../schema/avro/json-encoder.ts'
import { compileRowDecoder, type RowDecoder } from '../../schema/avro/row-decoder.ts'
import { type AvroRecord, type AvroSchema, parseSchema } from '../../schema/avro-schema.ts'
import type { ColumnSpec, SqlValue, TableSpec } from '../../schema/table-spec.ts'
import { wireHeaderLength } from '../../schema/wire-format.ts'
import { keySchemaText } from '../produce/record-key.ts'

/**
 * Reads the key columns of a row from a record's key: a tombstone has nothing else. Keys are what `etl produce` and common
 * serializers write: Avro in the registry's wire format, or text: the value itself for a key of one column, a
 * JSON array or object for several. Text becomes a typed value by the same rules as a CSV cell.
 */
export class KeyDecoder {
  private readonly schema: AvroSchema
  private readonly columns: readonly ColumnSpec[]
  private readonly encodeText: JsonEncoder
  private readonly decodeOwn: RowDecoder
  private readonly writer = new ByteWriter()
  private readonly decoders = new Map<AvroSchema, RowDecoder>()

  /** `schema` is the key's: a record, or the type of the only key column. Columns that come from the value are left alone. */
  constructor(schema: AvroSchema, columns: readonly ColumnSpec[]) {
    this.schema = schema
    this.columns = columns
    this.encodeText = compileJsonEncoder(schema, { cells: true })
    this.decodeOwn = compileRowDecoder({ writer: schema, reader: schema, columns, from: 'key' })
  }

  /** For a table whose key columns are fields of the value: a record of just these fields. Throws UsageError when one is no scalar. */
  static ofValueFields(value: AvroRecord, { columns, primaryKey }: TableSpec): KeyDecoder {
    const asKey = columns.map((column): ColumnSpec => {
      if (!primaryKey.includes(column.name)) return column
      return { ...column, source: { from: 'key', path: column.source.path.slice(-1) } }
    })
    const names = asKey.filter((c) => c.source.from === 'key').map((c) => c.source.path.at(-1) as string)
    return new KeyDecoder(parseSchema(keySchemaText(value, names), 'key of the table'), asKey)
  }

  /** Sets the key columns in `row` (default: a new row of nulls). Throws DecodeError, RecordError. */
  fromText(key: Buffer, row?: SqlValue[]): SqlValue[] {
    this.writer.reset()
    this.encodeText(this.valueOf(key.toString('utf8')), this.writer)
    return this.decodeOwn(this.writer.view(), 0, row)
  }

  /** The same for a key in the wire format, written with `writer`. Throws DecodeError. */
  fromAvro(key: Buffer, writer: AvroSchema, row?: SqlValue[]): SqlValue[] {
    let decode = this.decoders.get(writer)
    if (!decode) {
      decode = this.compile(writer)
      this.decoders.set(writer, decode)
    }
    return decode(key, wireHeaderLength, row)
  }

  private compile(writer: AvroSchema): RowDecoder {
    const { schema, columns } = this
    // The key record's name says nothing; its fields must fit.
    if (schema.type === 'record' && writer.type === 'record') {
      const reader = { ...schema, name: writer.name, fullName: writer.fullName }
      return compileRowDecoder({ writer, reader, columns, from: 'key' })
    }
    const [only] = schema.type === 'record' ? schema.fields : []
    if (!only || writer.type === 'record')
      return compileRowDecoder({ writer, reader: schema, columns, from: 'key' })
    // A bare value is the key's only field.
    const bare = columns.map(
      (column): ColumnSpec =>
        column.source.from === 'key' ? { ...column, source: { from: 'key', path: [] } } : column,
    )
    return compileRowDecoder({ writer, reader: only.type, columns: bare, from: 'key' })
  }

  private valueOf(text: string): unknown {
    if (this.schema.type !== 'record') return text
    const { fields } = this.schema
    const [first, ...rest] = fields
    if (!first) throw new DecodeError('', 'the table has no key column')
    if (rest.length === 0) return { [first.originalName]: text }
    const parsed = parseJson(text)
    if (Array.isArray(parsed) && parsed.length === fields.length)
      return Object.fromEntries(fields.map((field, i) => [field.originalName, cell(parsed[i])]))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, cell(value)]))
    throw new DecodeError('', `expected a JSON array or object with ${fields.length} key values`)
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
