import type { AvroRecord, AvroSchema } from './avro-types.ts'
import { jsonText, type PlainJson } from './json-text.ts'

/**
 * Why a JSON default does not fit its type; undefined when it does. A union's default may fit any branch (Avro
 * 1.12; until 1.11 only the first).
 */
export function defaultProblem(schema: AvroSchema, value: PlainJson): string | undefined {
  const misfit = () => `${jsonText(value).slice(0, 60)} is no ${schema.type}`
  switch (schema.type) {
    case 'null':
      return value === null ? undefined : misfit()
    case 'boolean':
      return typeof value === 'boolean' ? undefined : misfit()
    case 'int':
      return isInteger(value, 31n) ? undefined : misfit()
    case 'long':
      return isInteger(value, 63n) ? undefined : misfit()
    case 'float':
    case 'double':
      return typeof value === 'number' || typeof value === 'bigint' ? undefined : misfit()
    case 'string':
      return typeof value === 'string' ? undefined : misfit()
    case 'bytes':
      return isByteText(value) ? undefined : misfit()
    case 'fixed':
      return isByteText(value) && value.length === schema.size ? undefined : misfit()
    case 'enum':
      return typeof value === 'string' && schema.symbols.includes(value) ? undefined : misfit()
    case 'array':
      if (!Array.isArray(value)) return misfit()
      return first(value as readonly PlainJson[], (item) => defaultProblem(schema.items, item))
    case 'map':
      if (!isObject(value)) return misfit()
      return first(Object.values(value), (item) => defaultProblem(schema.values, item))
    case 'union':
      if (schema.branches.some((branch) => defaultProblem(branch, value) === undefined)) return undefined
      return `${jsonText(value).slice(0, 60)} fits no branch of the union`
    case 'record':
      return isObject(value) ? recordProblem(schema, value) : misfit()
  }
}

function recordProblem(record: AvroRecord, value: Readonly<Record<string, PlainJson>>): string | undefined {
  return first(record.fields, (field) => {
    const given = value[field.name] ?? (field.name in value ? null : field.default)
    if (given === undefined) return `${record.name}.${field.name} is missing`
    const problem = field.name in value ? defaultProblem(field.type, given) : undefined
    return problem && `${record.name}.${field.name}: ${problem}`
  })
}

function first<T>(items: readonly T[], problemOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = problemOf(item)
    if (problem) return problem
  }
  return undefined
}

function isInteger(value: PlainJson, bits: bigint): boolean {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) return false
  const limit = 1n << bits
  const number = BigInt(value as number | bigint)
  return number >= -limit && number < limit
}

/** Bytes in JSON: one character up to U+00FF a byte. */
function isByteText(value: PlainJson): value is string {
  return typeof value === 'string' && !/[\u0100-\uffff]/.test(value)
}

function isObject(value: PlainJson): value is Readonly<Record<string, PlainJson>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
