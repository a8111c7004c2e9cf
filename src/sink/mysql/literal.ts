import type { SqlParam } from '../sql/statement.ts'

/** A parameter as a literal; the session's sql_mode has neither NO_BACKSLASH_ESCAPES nor a missing ANSI_QUOTES. */
export function literal(value: SqlParam): string {
  switch (typeof value) {
    case 'string':
      return stringLiteral(value)
    case 'bigint':
      return value.toString()
    case 'number':
      return Number.isInteger(value) ? value.toString() : doubleLiteral(value)
    case 'boolean':
      return value ? '1' : '0'
    default:
      return value === null ? 'NULL' : bytesLiteral(value)
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must be escaped
const special = /[\0\n\r\x1a'\\]/g
const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
  '\x1a': '\\Z',
  "'": "\\'",
  '\\': '\\\\',
}

/** https://dev.mysql.com/doc/refman/8.4/en/string-literals.html */
export function stringLiteral(text: string): string {
  return `'${text.replace(special, (char) => escapes[char] ?? char)}'`
}

export function bytesLiteral(bytes: Buffer): string {
  return `X'${bytes.toString('hex')}'`
}

/** With an exponent, so that the server reads a double and not a DECIMAL: -0 and the last bit survive. */
export function doubleLiteral(value: number): string {
  const text = Object.is(value, -0) ? '-0' : value.toString()
  return text.includes('e') ? text : `${text}e0`
}
