import type { SchemaChange } from './diff.ts'

const labels: Readonly<Record<SchemaChange['kind'], string>> = {
  added: 'added',
  removed: 'removed',
  renamed: 'renamed',
  type: 'type',
  name: 'name',
  default: 'default',
  doc: 'documentation',
  alias: 'aliases',
  symbols: 'symbols',
  order: 'order of fields',
  'original-name': 'name in the data',
}

/** One line a change: `+ Flight.gate  string`, `- …`, `~ Flight.delay  type: int → long`. */
export function changesText(changes: readonly SchemaChange[]): string {
  return changes.map(changeText).join('\n')
}

function changeText({ kind, path, before, after }: SchemaChange): string {
  if (kind === 'added') return `+ ${path}  ${after}`
  if (kind === 'removed') return `- ${path}  ${before}`
  return `~ ${path}  ${labels[kind]}: ${before ?? '(none)'} → ${after ?? '(none)'}`
}
