import { type ErrorDetails, InputError } from '../../errors.ts'

/** A step from a record down to a value: a field name, a map key, or the index of an array item. */
export type PathStep = string | number

/**
 * Thrown inside the compiled encoders and decoders; each container that it passes puts its own step in front.
 * The outermost function turns it into the error that callers see, so that a good record pays nothing for paths.
 */
export class Misfit extends Error {
  readonly path: PathStep[] = []

  within(step: PathStep): this {
    this.path.unshift(step)
    return this
  }
}

/** `features[3].geometry.type`; '' is the record itself. A step that is no plain name is quoted. */
export function pathText(path: readonly PathStep[]): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/** A value and an Avro schema do not fit; says where in the value, and why. */
abstract class ValueError extends InputError {
  /** Place in the value, such as `features[3].geometry.type`; '' when it is the value as a whole. */
  readonly path: string
  /** Why, in plain words, without the path. */
  readonly reason: string

  constructor(path: string, reason: string, details: ErrorDetails = {}) {
    super(`${path === '' ? 'the record' : path}: ${reason}`, details)
    this.path = path
    this.reason = reason
  }
}

/** A JSON value does not fit the Avro schema. */
export class RecordError extends ValueError {
  override readonly code = 'bad_record'
}

/** Bytes are not what the Avro schema says, or hold a value that the reader's schema cannot take. */
export class DecodeError extends ValueError {
  override readonly code = 'decode'
}

/** Levels of records, arrays and maps inside each other that encoder and decoder accept. */
export const maxDepth = 64

/** A value as it can be shown in a message: JSON, at most 40 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isPlainObject(value)) {
    const keys = Object.keys(value)
    return keys.length === 0 ? 'an empty object' : `an object with ${shown(keys.join(', '))}`
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 40 ? `${text.slice(0, 37)}…` : text
}

/** By its prototype: a field of the record may be named `constructor` or `toString`. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
