import type { InferredSchema } from './infer.ts'

/** What `etl schema gen --explain` prints of one schema: a line a field, its reasons below it. At most 80 columns where words allow. */
export function explainText(schema: InferredSchema): string {
  const rows = schema.fields.map((field) => ({
    name:
      field.avroName && !field.path.endsWith(field.avroName)
        ? `${field.path} → ${field.avroName}`
        : field.path,
    type: field.nullable ? `${field.type}?` : field.type,
    counts: schema.samples === 0 ? '' : countsText(field),
    why: field.why,
  }))
  const nameWidth = widest(
    rows.map(({ name }) => name),
    36,
  )
  const typeWidth = widest(
    rows.map(({ type }) => type),
    24,
  )
  const lines = rows.flatMap(({ name, type, counts, why }) => [
    `  ${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}  ${counts}`.trimEnd(),
    ...why.flatMap((reason) => wrap(reason, 74).map((line, i) => `    ${i === 0 ? '· ' : '  '}${line}`)),
  ])
  const samples = schema.samples === 0 ? 'declared' : `from ${counted(schema.samples, 'sample')}`
  return [`${schema.fullName} (${samples}; ? = may be null)`, ...lines].join('\n')
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

function widest(texts: readonly string[], limit: number): number {
  return Math.min(limit, Math.max(0, ...texts.map((text) => text.length)))
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
