import type { AvroSchema } from '../schema/avro-types.ts'
import type { PlainJson } from '../schema/json-text.ts'
import type { AvscTypes } from './avsc-type.ts'

type Members = Readonly<Record<string, PlainJson>>

/**
 * A field's default in the form in which avsc gives decoded values. Defaults have the specification's JSON form: bytes as
 * ISO 8859-1 text, logical types as their underlying type, of a union any branch that fits.
 */
export function defaultValue(schema: AvroSchema, json: PlainJson, types: AvscTypes): unknown {
  switch (schema.type) {
    case 'null':
      return null
    case 'long':
      return BigInt(json as number | bigint)
    case 'float':
    case 'double':
      return Number(json)
    case 'bytes':
    case 'fixed':
      return Buffer.from(json as string, 'latin1')
    case 'enum':
      return `s${schema.symbols.indexOf(json as string)}`
    case 'array':
      return (json as readonly PlainJson[]).map((item) => defaultValue(schema.items, item, types))
    case 'map':
      return Object.fromEntries(
        Object.entries(json as Members).map(([key, value]) => [
          key,
          defaultValue(schema.values, value, types),
        ]),
      )
    case 'record':
      return Object.fromEntries(
        schema.fields.map((field, i) => {
          const given = (json as Members)[field.name]
          return [
            `f${i}`,
            defaultValue(field.type, given === undefined ? (field.default ?? null) : given, types),
          ]
        }),
      )
    case 'union': {
      const branch = schema.branches.find((candidate) => fits(candidate, json))
      if (!branch || branch.type === 'null') return null
      return { [types.branchName(branch)]: defaultValue(branch, json, types) }
    }
    default:
      return json
  }
}

/** As far as the branches of one union have to be told apart. */
function fits(schema: AvroSchema, json: PlainJson): boolean {
  switch (schema.type) {
    case 'null':
      return json === null
    case 'boolean':
      return typeof json === 'boolean'
    case 'int':
      return typeof json === 'number' && (json | 0) === json
    case 'long':
      return typeof json === 'bigint' || Number.isInteger(json)
    case 'float':
    case 'double':
      return typeof json === 'number' || typeof json === 'bigint'
    case 'array':
      return Array.isArray(json)
    case 'map':
      return isObject(json)
    case 'record':
      return isObject(json) && schema.fields.every((f) => f.name in json || f.default !== undefined)
    case 'enum':
      return schema.symbols.includes(json as string)
    default:
      return typeof json === 'string'
  }
}

function isObject(json: PlainJson): json is Members {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
