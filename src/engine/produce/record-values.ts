import { InputError } from '../../errors.ts'
import { RecordError } from '../../schema/avro/errors.ts'
import { parseJsonExact } from '../../schema/avro/json-number.ts'
import type { AvroRecord } from '../../schema/avro-schema.ts'
import { parseJson } from '../../schema/json-text.ts'
import type { Chunk } from '../../source/file/chunks.ts'
import { parseCsvRecord } from '../../source/file/csv-record.ts'
import { RecordTexts } from '../../source/file/record-texts.ts'
import { compileCsv } from './csv-values.ts'
import type { InputPlace, Work } from './work.ts'

/** The records of one piece of work, parsed one by one. */
export interface RecordValues {
  /** True: values are the texts of CSV cells. */
  readonly cells: boolean
  /** Throws InputError (RecordError, or with `name:line:column`) when the record is not what its format says. */
  value(record: number): unknown
  place(record: number): InputPlace
  /** Column at which the record begins; undefined: the first of its line. */
  column(record: number): number | undefined
  /** The record as it stood in the input; valid until the work is done. */
  raw(record: number): Uint8Array
  /** Text bytes of the first `records` records. */
  bytes(records: number): number
}

export interface ValueOptions {
  readonly schema: AvroRecord
  readonly generate?: ((index: number) => unknown) | undefined
}

export function recordValues(work: Work, options: ValueOptions): RecordValues {
  if (work.kind === 'generate') return generatedValues(work.firstRecord, options)
  return work.chunk.format === 'csv' ? csvValues(work.chunk, options.schema) : jsonValues(work.chunk)
}

function generatedValues(first: number, { generate }: ValueOptions): RecordValues {
  if (!generate) throw new Error('no generator for generated work')
  return {
    cells: false,
    value: (record) => generate(first + record),
    place: (record) => ({ input: 'generated', line: first + record + 1 }),
    column: () => undefined,
    raw: () => new Uint8Array(),
    bytes: () => 0,
  }
}

function jsonValues(chunk: Chunk): RecordValues {
  const texts = new RecordTexts(chunk)
  return {
    ...commonOf(chunk, texts),
    cells: false,
    value(record) {
      const text = textOf(texts, record)
      try {
        return parseJsonExact(text)
      } catch (error) {
        throw jsonError(chunk, texts, record, error)
      }
    },
  }
}

function csvValues(chunk: Chunk, schema: AvroRecord): RecordValues {
  const texts = new RecordTexts(chunk)
  const toRecord = compileCsv(schema, chunk.columns ?? [])
  return {
    ...commonOf(chunk, texts),
    cells: true,
    value(record) {
      const parsed = parseCsvRecord(textOf(texts, record), chunk.delimiter)
      if ('fields' in parsed) return toRecord(parsed.fields)
      const { line, column } = texts.place(record, parsed.column - 1)
      throw new InputError(parsed.problem, { where: `${chunk.input}:${line}:${column}` })
    },
  }
}

function commonOf(
  chunk: Chunk,
  texts: RecordTexts,
): Pick<RecordValues, 'place' | 'column' | 'raw' | 'bytes'> {
  return {
    place: (record) => ({ input: chunk.input, line: texts.line(record) }),
    column(record) {
      const { column } = texts.place(record, 0)
      return column === 1 ? undefined : column
    },
    raw: (record) => texts.bytes(record),
    bytes(records) {
      let bytes = 0
      for (let i = 0; i < records; i++) bytes += texts.length(i)
      return bytes
    },
  }
}

function textOf(texts: RecordTexts, record: number): string {
  const text = texts.text(record)
  if (text === undefined) throw new RecordError('', 'the bytes are not UTF-8')
  return text
}

/** The engine's JSON errors name no line; the strict parser's do. */
function jsonError(chunk: Chunk, texts: RecordTexts, record: number, error: unknown): InputError {
  const { line, column } = texts.place(record, 0)
  try {
    parseJson(textOf(texts, record), { where: chunk.input, line, column })
  } catch (strict) {
    if (!(strict instanceof InputError)) throw strict
    const reason =
      strict.cause instanceof Error ? `${strict.message}: ${strict.cause.message}` : strict.message
    return new InputError(reason, { where: strict.where })
  }
  return new InputError(`not valid JSON: ${(error as Error).message}`, {
    where: `${chunk.input}:${line}:${column}`,
  })
}
