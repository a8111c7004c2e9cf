declare global {
  interface JSON {
    /** ECMAScript proposal "JSON.parse source text access", in Node since 21; not yet in TypeScript's lib. */
    rawJSON(text: string): unknown
  }
}

/**
 * The one document of `--json` as text. A bigint (an offset, a count) becomes a JSON number with all
 * its digits; parsers that read numbers as doubles are exact up to 2^53.
 */
export function jsonText(document: unknown): string {
  return JSON.stringify(
    document,
    (_, value: unknown) => (typeof value === 'bigint' ? JSON.rawJSON(value.toString()) : value),
    2,
  )
}
