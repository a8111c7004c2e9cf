/** A field of a CSV record; null: nothing stood between the delimiters, not even quotes. */
export type CsvField = string | null

export type CsvRecord =
  | { readonly fields: readonly CsvField[] }
  /** `column`: 1-based, in characters from the record's start. */
  | { readonly problem: string; readonly column: number }

/**
 * Splits the text of one CSV record into its fields (RFC 4180). As in PostgreSQL's COPY, an empty field is null and an empty quoted one is
 * the empty text.
 */
export function parseCsvRecord(text: string, delimiter: string): CsvRecord {
  const fields: CsvField[] = []
  let at = 0
  for (;;) {
    if (text[at] === '"') {
      const field = quotedField(text, at)
      if (field.next < text.length && text[field.next] !== delimiter) {
        return { problem: 'text after the closing quote of a field', column: field.next + 1 }
      }
      fields.push(field.value)
      at = field.next
    } else {
      const end = text.indexOf(delimiter, at)
      const value = text.slice(at, end === -1 ? text.length : end)
      fields.push(value === '' ? null : value)
      at = end === -1 ? text.length : end
    }
    if (at >= text.length) return { fields }
    at++
  }
}

/** The field whose opening quote is at `open`; `next` is the place after its closing quote. */
function quotedField(text: string, open: number): { value: string; next: number } {
  let value = ''
  let from = open + 1
  for (;;) {
    const close = text.indexOf('"', from)
    // The cutter ends a record only outside of quotes, so the closing quote is there.
    if (close === -1) return { value: value + text.slice(from), next: text.length }
    value += text.slice(from, close)
    if (text[close + 1] !== '"') return { value, next: close + 1 }
    value += '"'
    from = close + 2
  }
}
