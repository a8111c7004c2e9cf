import { InputError } from '../errors.ts'
import type { Sample } from '../schema/infer/infer.ts'
import { type Json, JsonNumber, parseJson } from '../schema/json-text.ts'
import { type Chunk, cutChunks } from './file/chunks.ts'
import { type CsvField, parseCsvRecord } from './file/csv-record.ts'
import type { TextFormat } from './file/format.ts'
import { openInput } from './file/input.ts'
import { RecordTexts } from './file/record-texts.ts'

/**
 * The records of a file (`-`: stdin) as samples for a schema, one after the other: JSON, NDJSON or CSV, plain, gzip or zstd. A cell of
 * a CSV file that reads as a JSON number, `true` or `false` is taken as one; an empty cell is null.
 * @throws UsageError when the file cannot be opened, InputError with file:line:column when its text is broken
 */
export async function* readSamples(path: string, forced: Partial<TextFormat> = {}): AsyncGenerator<Sample> {
  let record = 0
  for await (const chunk of cutChunks(await openInput(path, forced))) {
    const parse = chunk.format === 'csv' ? csvParser(chunk) : parseJson
    const texts = new RecordTexts(chunk)
    for (let i = 0; i < texts.count; i++) {
      const text = texts.text(i)
      const line = texts.line(i)
      const where = chunk.input
      if (text === undefined) throw new InputError('not valid UTF-8', { where: `${where}:${line}` })
      record++
      // The column is for errors only, and finding it costs more than the rest.
      const origin = {
        where,
        line,
        get column() {
          return texts.place(i, 0).column
        },
      }
      yield { value: parse(text, origin), place: { where, line, record } }
    }
  }
}

type Origin = { readonly where: string; readonly line: number; readonly column: number }

function csvParser(chunk: Chunk): (text: string, origin: Origin) => Json {
  const columns = chunk.columns ?? []
  return (text, { where, line }) => {
    const parsed = parseCsvRecord(text, chunk.delimiter)
    if ('problem' in parsed)
      throw new InputError(parsed.problem, { where: `${where}:${line}:${parsed.column}` })
    if (parsed.fields.length !== columns.length) {
      throw new InputError(`the line has ${parsed.fields.length} fields, the header ${columns.length}`, {
        where: `${where}:${line}`,
      })
    }
    return new Map(columns.map((name, i) => [name, cellValue(parsed.fields[i] ?? null)]))
  }
}

/** A leading zero makes an id of digits, and `1E5` could be one: only 1.5, 1.0e5 and 1e-5 are numbers. */
const cellNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]\d+)?$/

function cellValue(cell: CsvField): Json {
  if (cell === null) return null
  if (cell === 'true') return true
  if (cell === 'false') return false
  return cellNumber.test(cell) ? new JsonNumber(cell) : cell
}

/** The samples of several files, one file after the other. */
export async function* readAllSamples(
  paths: readonly string[],
  forced: Partial<TextFormat> = {},
): AsyncGenerator<Sample> {
  for (const path of paths) yield* readSamples(path, forced)
}
