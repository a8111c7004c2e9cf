import { InputError } from '../errors.ts'

/**
 * JSON (RFC 8259) read without loss: numbers keep their text (JSON.parse rounds integers beyond 2^53 and
 * forgets whether 1 was written 1.0), objects keep the order of their keys ("10" before "2" if so written)
 * and may hold a key `__proto__`. Errors carry line and column.
 */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

/** A number as it was written. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  /** True for -12, false for -12.0 and 1e3. */
  get integer(): boolean {
    return /^-?\d+$/.test(this.text)
  }
}

/** Where a text begins in its file, so that errors can name the place. */
export interface TextOrigin {
  /** File name or what else the text came from. */
  readonly where: string
  /** 1-based line and column of the text's first character. */
  readonly line?: number
  readonly column?: number
}

/** Nesting that is still read; more is an attack or a mistake (and would overflow the stack). */
const maxDepth = 512

/** The one JSON value that `text` holds. Throws InputError with `where:line:column` when it is not valid JSON. */
export function parseJson(text: string, origin: TextOrigin): Json {
  return new JsonParser(text, origin).document()
}

/** The value as JavaScript has it: integers beyond 2^53 become bigint, other numbers may be rounded as double is. */
export type PlainJson =
  | null
  | boolean
  | string
  | number
  | bigint
  | readonly PlainJson[]
  | { readonly [key: string]: PlainJson }

export function plainJson(json: Json): PlainJson {
  if (json instanceof JsonNumber) {
    const number = Number(json.text)
    return json.integer && !Number.isSafeInteger(number) ? BigInt(json.text) : number
  }
  if (Array.isArray(json)) return json.map(plainJson)
  if (json instanceof Map) {
    const plain: Record<string, PlainJson> = Object.create(null)
    for (const [key, value] of json as JsonObject) plain[key] = plainJson(value)
    return plain
  }
  return json as null | boolean | string
}

/** JSON text of a value, on one line; numbers as they were written. */
export function jsonText(json: Json | PlainJson): string {
  if (json instanceof JsonNumber) return json.text
  if (typeof json === 'bigint') return json.toString()
  if (Array.isArray(json)) return `[${json.map(jsonText).join(',')}]`
  if (json !== null && typeof json === 'object') {
    const entries = json instanceof Map ? [...json] : Object.entries(json)
    return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`).join(',')}}`
  }
  return JSON.stringify(json)
}

const numberAt = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const controlCharacter = /[^ -\uffff]/

class JsonParser {
  private readonly text: string
  private readonly origin: TextOrigin
  private at = 0

  constructor(text: string, origin: TextOrigin) {
    this.text = text
    this.origin = origin
  }

  document(): Json {
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1
    this.space()
    const value = this.value(0)
    this.space()
    if (this.at < this.text.length) this.fail('expected the end of the text')
    return value
  }

  private value(depth: number): Json {
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth + 1)
      case '[':
        return this.array(depth + 1)
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  private object(depth: number): JsonObject {
    const object = new Map<string, Json>()
    this.enter(depth)
    if (this.take('}')) return object
    for (;;) {
      if (this.text[this.at] !== '"') this.fail('expected a property name in double quotes')
      const key = this.string()
      this.space()
      if (!this.take(':')) this.fail('expected ":" after the property name')
      this.space()
      object.set(key, this.value(depth))
      this.space()
      if (this.take('}')) return object
      if (!this.take(',')) this.fail('expected "," or "}"')
      this.space()
    }
  }

  private array(depth: number): Json[] {
    const items: Json[] = []
    this.enter(depth)
    if (this.take(']')) return items
    for (;;) {
      items.push(this.value(depth))
      this.space()
      if (this.take(']')) return items
      if (!this.take(',')) this.fail('expected "," or "]"')
      this.space()
    }
  }

  private string(): string {
    const start = this.at
    let end = start + 1
    for (;;) {
      end = this.text.indexOf('"', end)
      if (end < 0) this.fail('the string has no closing quote', start)
      let backslashes = 0
      while (this.text[end - 1 - backslashes] === '\\') backslashes++
      end++
      if (backslashes % 2 === 0) break
    }
    const raw = this.text.slice(start + 1, end - 1)
    this.at = end
    const bad = raw.search(controlCharacter)
    if (bad >= 0) this.fail('a line break or control character inside a string', start + 1 + bad)
    if (!raw.includes('\\')) return raw
    try {
      return JSON.parse(this.text.slice(start, end)) as string
    } catch {
      return this.fail('bad escape in the string', start)
    }
  }

  private number(): JsonNumber {
    numberAt.lastIndex = this.at
    const match = numberAt.exec(this.text)
    if (!match) this.fail('expected a value')
    this.at += match[0].length
    if (/[\w.+-]/.test(this.text[this.at] ?? '')) this.fail('bad number')
    return new JsonNumber(match[0])
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('expected a value')
    this.at += word.length
    return value
  }

  private enter(depth: number): void {
    if (depth > maxDepth) this.fail(`nested deeper than ${maxDepth} levels`)
    this.at++
    this.space()
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.at++
    }
  }

  private fail(reason: string, at = this.at): never {
    const found = at >= this.text.length ? 'the text ends' : `found ${JSON.stringify(this.text[at])}`
    throw new InputError('not valid JSON', {
      where: placeOf(this.text, at, this.origin),
      cause: new Error(reason.startsWith('expected') ? `${reason}, ${found}` : reason),
    })
  }
}

/** `where:line:column` of the character at `offset`. */
function placeOf(text: string, offset: number, origin: TextOrigin): string {
  const before = text.slice(0, offset)
  const lines = before.split('\n')
  const last = lines.at(-1) ?? ''
  const line = (origin.line ?? 1) + lines.length - 1
  const column = lines.length === 1 ? (origin.column ?? 1) + last.length : last.length + 1
  return `${origin.where}:${line}:${column}`
}
