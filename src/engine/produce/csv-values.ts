import { RecordError } from '../../schema/avro/errors.ts'
import { parseJsonExact } from '../../schema/avro/json-number.ts'
import type { AvroField, AvroRecord, AvroSchema } from '../../schema/avro-schema.ts'
import type { CsvField } from '../../source/file/csv-record.ts'
import type { JsonRecord } from './record-key.ts'

/** Turns the fields of one CSV record into the record that the encoder takes. Throws RecordError. */
export type CsvToRecord = (fields: readonly CsvField[]) => JsonRecord

/**
 * Compiles the header's columns against the schema. A cell stays text (the encoder reads numbers and booleans from it); for records, arrays
 * and maps it is JSON. An empty cell is null where the schema allows null, the empty text for a string, otherwise missing, so that the
 * field's default counts.
 */
export function compileCsv(schema: AvroRecord, columns: readonly string[]): CsvToRecord {
  const cells = columns.map((name) => {
    const field = schema.fields.find((f) => f.originalName === name)
    return { name, read: field ? cellReader(field) : readUnknown }
  })
  return (fields) => {
    if (fields.length !== cells.length) {
      throw new RecordError('', `${fields.length} fields where the header names ${cells.length} columns`)
    }
    const record: Record<string, unknown> = Object.create(null)
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as (typeof cells)[number]
      const value = cell.read(fields[i] as CsvField)
      if (value !== undefined) record[cell.name] = value
    }
    return record
  }
}

/** A column that the schema lacks: the encoder refuses it unless it is empty or unknown fields are allowed. */
function readUnknown(cell: CsvField): unknown {
  return cell ?? undefined
}

function cellReader(field: AvroField): (cell: CsvField) => unknown {
  const branches: readonly AvroSchema[] = field.type.type === 'union' ? field.type.branches : [field.type]
  const types = branches.map((branch) => branch.type)
  const empty = types.includes('null') ? null : types.includes('string') ? '' : undefined
  const nested = types.some((type) => type === 'record' || type === 'array' || type === 'map')
  if (!nested) return (cell) => cell ?? empty
  const textToo = types.includes('string')
  return (cell) => {
    if (cell === null) return empty
    try {
      return parseJsonExact(cell)
    } catch (error) {
      if (textToo) return cell
      throw new RecordError(field.originalName, `the cell is not JSON: ${(error as Error).message}`)
    }
  }
}
