import type { ColumnType } from '../../schema/table-spec.ts'
import { canonicalDecimal, canonicalJson } from '../canonical.ts'

/** Turns a column's text, as the database writes it, into the canonical text that Snapshot promises. */
export type StoredText = (text: string) => string

/** Text that is no value of the type (`infinity`, a zero date) is left as it is: it equals no value of a record. */
export function storedText(type: ColumnType): StoredText {
  switch (type.kind) {
    case 'boolean':
      return (text) => (text === 't' || text === '1' ? 'true' : text === 'f' || text === '0' ? 'false' : text)
    case 'int32':
    case 'int64':
      return (text) => text
    case 'float32':
      return (text) => floatText(Math.fround(Number(text)))
    case 'float64':
      return (text) => floatText(Number(text))
    case 'decimal':
      return canonicalDecimal
    case 'uuid':
    case 'bytes':
      return (text) => text.toLowerCase()
    case 'date':
      return (text) => text
    case 'time':
    case 'timestamp':
      return withoutZeros
    case 'json':
      return storedJson
    case 'string':
    case 'enum':
      return (text) => text
  }
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** `01:02:03.500000` → `01:02:03.5`; what follows the fraction (` BC`) stays. */
function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+(?= BC$|$)/, '') : text
}

function storedJson(text: string): string {
  try {
    return canonicalJson(text)
  } catch (error) {
    // No column of ours holds such text; somebody else wrote it, and it is shown as it is.
    if (error instanceof SyntaxError) return text
    throw error
  }
}
