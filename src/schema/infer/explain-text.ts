import type { InferredSchema } from './infer.ts'
import type { FieldExplanation } from './type-choice.ts'

const nameWidth = 28
const typeWidth = 20
const lineWidth = 80

/**
 * What `etl schema gen --explain` prints of one schema: a line a field, its reasons below it. At most 80 columns, as far as names allow.
 */
export function explainText(schema: InferredSchema): string {
  const samples = schema.samples === 0 ? 'declared' : `from ${counted(schema.samples, 'sample')}`
  const fields = schema.fields.flatMap((field) => fieldLines(field, schema.samples > 0))
  return [`${schema.fullName} (${samples}; ? = may be null)`, ...fields].join('\n')
}

function fieldLines(field: FieldExplanation, counts: boolean): string[] {
  const { path, avroName, nullable, why } = field
  const name = printable(path)
  const type = nullable ? `${field.type}?` : field.type
  const facts = `${type.padEnd(typeWidth)}  ${counts ? countsText(field) : ''}`.trimEnd()
  // A long name has a line of its own.
  const head =
    name.length > nameWidth
      ? [`  ${name}`, `  ${''.padEnd(nameWidth)}  ${facts}`]
      : [`  ${name.padEnd(nameWidth)}  ${facts}`]
  const renamed = avroName && !path.endsWith(avroName) ? [`named ${avroName} in Avro`] : []
  const reasons = [...renamed, ...why].flatMap((reason) =>
    wrap(printable(reason), lineWidth - 6).map((line, i) => `    ${i === 0 ? '· ' : '  '}${line}`),
  )
  return [...head, ...reasons]
}

/** Names and values come from data: control characters would reach the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))
}

function countsText(field: { samples: number; nulls: number; missing: number }): string {
  const parts = [counted(field.samples, 'value')]
  if (field.nulls > 0) parts.push(counted(field.nulls, 'null'))
  if (field.missing > 0) parts.push(`${grouped(field.missing)} missing`)
  return parts.join(', ')
}

/** `1 sample`, `3,201 samples` */
function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line ? `${line} ${word}` : word
    }
  }
  return [...lines, line]
}

/** `com.exam.movies, 16 fields from 3,201 samples` */
export function summaryText(schema: InferredSchema): string {
  const { fields } = schema.avro as { readonly fields: readonly unknown[] }
  const from = schema.samples === 0 ? 'declared' : `from ${counted(schema.samples, 'sample')}`
  return `${schema.fullName}, ${counted(fields.length, 'field')} ${from}`
}
