/** The canonical texts that Snapshot's rows are made of, where they take some thought. */

/** `1.50`, `01.5` and `1.5` are one number, and so are `0` and `-0`. Text that is no plain number stays. */
export function canonicalDecimal(text: string): string {
  const match = /^(-?)0*(\d*)\.?(\d*?)0*$/.exec(text)
  if (match === null) return text
  const [, sign = '', whole = '', fraction = ''] = match
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`
  return digits === '0' ? '0' : `${sign}${digits}`
}

/** A JSON number by its value: `1.50e3`, `1500` and `15e2` all become `15e2`; both zeros become `0`. */
export function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

/** JSON with sorted keys, without blanks, numbers by their value, however long they are. Throws SyntaxError. */
export function canonicalJson(text: string): string {
  const value: unknown = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value,
  )
  return textOf(value)
}

/** Members of a canonical JSON object, given as canonical texts by key. */
export function canonicalObject(members: readonly (readonly [key: string, text: string])[]): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${sorted.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

class NumberText {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

function textOf(value: unknown): string {
  if (value instanceof NumberText) return canonicalNumber(value.source)
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    return canonicalObject(Object.entries(value).map(([key, member]) => [key, textOf(member)] as const))
  }
  return JSON.stringify(value)
}
