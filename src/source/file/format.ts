import { extname } from 'node:path'
import { UsageError } from '../../errors.ts'

export const formats = ['ndjson', 'json', 'csv'] as const
/** ndjson: one JSON value a line. json: one array, or values that follow one another. csv: RFC 4180 with a header. */
export type Format = (typeof formats)[number]

export interface TextFormat {
  readonly format: Format
  /** CSV: the character between fields. */
  readonly delimiter: string
}

const extensions: Readonly<Record<string, Format>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.jsonlines': 'ndjson',
  '.csv': 'csv',
  '.tsv': 'csv',
}

const compressed = /\.(gz|zst)$/i

/**
 * The format of an input, by its name, else by how its text begins. `head` is the first text, without byte order mark, up to the first line feed
 * at least. Throws UsageError when neither tells.
 */
export function detectFormat(name: string, head: string, forced: Partial<TextFormat>): TextFormat {
  const extension = extname(name.replace(compressed, '')).toLowerCase()
  const delimiter = forced.delimiter ?? (extension === '.tsv' ? '\t' : ',')
  const format = forced.format ?? extensions[extension] ?? formatOfText(head)
  if (format) return { format, delimiter }
  throw new UsageError('cannot tell whether this is JSON or CSV', {
    where: name,
    next: `the same command with --format ${formats.join(' or ')}`,
  })
}

/** JSON only: CSV has no mark of its own. A first line that is an object from brace to brace means NDJSON. */
function formatOfText(head: string): Format | undefined {
  const text = head.trimStart()
  if (text === '') return 'ndjson'
  if (text.startsWith('[')) return 'json'
  if (!text.startsWith('{')) return undefined
  const lineEnd = text.indexOf('\n')
  const firstLine = lineEnd === -1 ? text : text.slice(0, lineEnd)
  return firstLine.trimEnd().endsWith('}') ? 'ndjson' : 'json'
}
