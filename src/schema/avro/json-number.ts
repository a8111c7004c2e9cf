import { JsonNumber } from '../json-text.ts'

/**
 * Could the text hold a number that a double rounds? Doubles give back every number of up to 15 digits and two digits of
 * exponent, and integers to 2^53; what is tested is a superset and may also match inside strings, which costs time only.
 */
const risky = /[\d.]{17}|9\d{15}|\d[eE][+-]?\d{3}/

type ReviverContext = { readonly source?: string }
type SourceReviver = (key: string, value: unknown, context: ReviverContext) => unknown

/**
 * JSON.parse without loss of digits: an integer beyond ±(2^53 - 1) becomes a bigint, any other number that its double does not
 * give back becomes a JsonNumber, which keeps the text. `compileJsonEncoder` takes both. Text without such numbers costs
 * what JSON.parse costs (about a tenth of `parseJson`, which also knows line and column).
 * Uses JSON.parse source text access, in Node >= 21. Throws SyntaxError like JSON.parse, and RangeError for text nested too deep.
 */
export function parseJsonExact(text: string): unknown {
  if (!risky.test(text)) return JSON.parse(text)
  return JSON.parse(text, keepDigits as Parameters<typeof JSON.parse>[1])
}

const keepDigits: SourceReviver = (_key, value, context) => {
  if (typeof value !== 'number' || context.source === undefined) return value
  return exactNumber(context.source, value)
}

/** The JSON number `text` in the smallest form that holds it; `value` is its double. */
function exactNumber(text: string, value = Number(text)): number | bigint | JsonNumber {
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : BigInt(text)
  const exact = normalized(text)
  return exact !== undefined && exact === normalized(String(value)) ? value : new JsonNumber(text)
}

/** Digits without zeros at either end, and the power of ten: one text for each number. undefined: no finite number. */
function normalized(text: string): string | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
