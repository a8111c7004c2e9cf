import { InputError } from '../errors.ts'
import { defaultProblem } from './avro-default.ts'
import { logicalTypeOf } from './avro-logical.ts'
import { fullNameOf, isAvroFullName, isAvroName, namespaceOf, shortNameOf } from './avro-names.ts'
import {
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroNamed,
  type AvroRecord,
  type AvroSchema,
  type AvroUnion,
  isNamed,
  type PrimitiveType,
  primitiveTypes,
} from './avro-types.ts'
import { type Json, JsonNumber, type JsonObject, type PlainJson, parseJson, plainJson } from './json-text.ts'

/**
 * Reads an Avro schema strictly: unknown types, illegal or repeated names, bad unions and defaults that do not fit
 * their type are errors.
 * @param text JSON text of the schema
 * @param where file name, `subject:version` or id; named in errors
 * @param references texts of the schemas whose named types this one uses, each after those it uses itself
 * @throws InputError; `where` is `file:line:column` for broken JSON, `file $.fields[2].type` for broken Avro
 */
export function parseSchema(text: string, where: string, references: readonly string[] = []): AvroSchema {
  const names = new Map<string, AvroNamed>()
  references.forEach((reference, i) => {
    const place = `${where}, reference ${i + 1}`
    new SchemaParser(place, names).schema(parseJson(reference, { where: place }), '$', undefined)
  })
  return new SchemaParser(where, names).schema(parseJson(text, { where }), '$', undefined)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const schemaAttributes = new Set([
  'type',
  'name',
  'namespace',
  'fields',
  'symbols',
  'items',
  'values',
  'size',
  'aliases',
  'doc',
  'default',
])
const fieldAttributes = new Set(['name', 'type', 'default', 'aliases', 'doc', 'order'])
const noProps: Readonly<Record<string, PlainJson>> = Object.freeze({})

class SchemaParser {
  private readonly where: string
  private readonly names: Map<string, AvroNamed>

  constructor(where: string, names: Map<string, AvroNamed>) {
    this.where = where
    this.names = names
  }

  schema(json: Json, path: string, namespace: string | undefined): AvroSchema {
    if (typeof json === 'string') return this.byName(json, path, namespace)
    if (Array.isArray(json)) return this.union(json, path, namespace)
    if (json instanceof Map) return this.object(json, path, namespace)
    return this.fail('expected a type: a name, an object or an array (union)', path)
  }

  private byName(name: string, path: string, namespace: string | undefined): AvroSchema {
    if (isPrimitive(name)) return { type: name, logical: undefined, props: noProps }
    const named = this.names.get(fullNameOf(name, namespace)) ?? this.names.get(name)
    if (named) return named
    const known = [...this.names.keys()]
    const hint =
      known.length > 0
        ? `named types so far: ${known.slice(0, 8).join(', ')}`
        : 'no named type is defined before it'
    return this.fail(`unknown type "${name}" (${hint})`, path)
  }

  private object(json: JsonObject, path: string, namespace: string | undefined): AvroSchema {
    const type = json.get('type')
    if (type === undefined) return this.fail('not an Avro schema: the object has no "type"', path)
    if (typeof type !== 'string') return this.schema(type, `${path}.type`, namespace)
    switch (type) {
      case 'record':
      case 'error':
        return this.record(json, path, namespace)
      case 'enum':
        return this.enumeration(json, path, namespace)
      case 'fixed':
        return this.fixed(json, path, namespace)
      case 'array': {
        const items = json.get('items') ?? this.fail('an array needs "items"', path)
        return { type, items: this.schema(items, `${path}.items`, namespace), props: propsOf(json) }
      }
      case 'map': {
        const values = json.get('values') ?? this.fail('a map needs "values"', path)
        return { type, values: this.schema(values, `${path}.values`, namespace), props: propsOf(json) }
      }
      default: {
        const known = this.byName(type, `${path}.type`, namespace)
        if (isNamed(known) || !isPrimitive(type)) return known
        const { logical, props } = logicalTypeOf({ type }, propsOf(json))
        return { type, logical, props }
      }
    }
  }

  private union(json: readonly Json[], path: string, namespace: string | undefined): AvroUnion {
    if (json.length === 0) return this.fail('a union needs at least one type', path)
    const seen = new Set<string>()
    const branches = json.map((branch, i) => {
      const at = `${path}[${i}]`
      const schema = this.schema(branch, at, namespace)
      if (schema.type === 'union') return this.fail('a union may not hold a union directly', at)
      const key = isNamed(schema) ? schema.fullName : schema.type
      if (seen.has(key)) return this.fail(`${key} appears twice in the union`, at)
      seen.add(key)
      return schema
    })
    return { type: 'union', branches }
  }

  private record(json: JsonObject, path: string, namespace: string | undefined): AvroRecord {
    const record: Mutable<AvroRecord> = { type: 'record', ...this.named(json, path, namespace), fields: [] }
    // Known before its fields are read: they may refer to it.
    this.define(record, path)
    const fields = json.get('fields')
    if (!Array.isArray(fields)) return this.fail(`record ${record.name} needs "fields", an array`, path)
    const seen = new Set<string>()
    record.fields = fields.map((field: Json, i) => {
      const parsed = this.field(field, `${path}.fields[${i}]`, record)
      if (seen.has(parsed.name)) {
        return this.fail(
          `record ${record.name} has two fields named "${parsed.name}"`,
          `${path}.fields[${i}]`,
        )
      }
      seen.add(parsed.name)
      return parsed
    })
    return record
  }

  private field(json: Json, path: string, record: AvroRecord): AvroField {
    if (!(json instanceof Map)) return this.fail('a field is an object with "name" and "type"', path)
    const name = json.get('name')
    if (typeof name !== 'string') return this.fail('the field has no "name"', path)
    if (!isAvroName(name)) return this.fail(illegal('field', name), path)
    const typeJson = json.get('type')
    if (typeJson === undefined) return this.fail(`field "${name}" has no "type"`, path)
    const type = this.schema(typeJson, `${path}.type`, record.namespace)
    const props = propsOf(json, fieldAttributes)
    const field: AvroField = {
      name,
      originalName: typeof props.originalName === 'string' ? props.originalName : name,
      type,
      default: json.has('default') ? plainJson(json.get('default') ?? null) : undefined,
      aliases: this.aliases(json, path),
      doc: textOf(json.get('doc')),
      props,
    }
    if (field.default !== undefined) {
      const problem = defaultProblem(type, field.default)
      if (problem) return this.fail(`the default of field "${name}" does not fit its type: ${problem}`, path)
    }
    return field
  }

  private enumeration(json: JsonObject, path: string, namespace: string | undefined): AvroEnum {
    const named = this.named(json, path, namespace)
    const symbols = json.get('symbols')
    if (!Array.isArray(symbols)) return this.fail(`enum ${named.name} needs "symbols", an array`, path)
    const seen = new Set<string>()
    for (const symbol of symbols) {
      if (typeof symbol !== 'string' || !isAvroName(symbol)) {
        return this.fail(illegal('enum symbol', String(symbol)), `${path}.symbols`)
      }
      if (seen.has(symbol)) return this.fail(`enum ${named.name} has "${symbol}" twice`, `${path}.symbols`)
      seen.add(symbol)
    }
    const fallback = textOf(json.get('default'))
    if (fallback !== undefined && !seen.has(fallback)) {
      return this.fail(`the default "${fallback}" is no symbol of enum ${named.name}`, path)
    }
    return this.define({ type: 'enum', ...named, symbols: [...seen], default: fallback }, path)
  }

  private fixed(json: JsonObject, path: string, namespace: string | undefined): AvroFixed {
    const named = this.named(json, path, namespace)
    const sizeJson = json.get('size')
    const size = sizeJson instanceof JsonNumber && sizeJson.integer ? Number(sizeJson.text) : -1
    if (size < 0 || size > 0x7fffffff) {
      return this.fail(`fixed ${named.name} needs "size", a number of bytes`, path)
    }
    const { logical, props } = logicalTypeOf({ type: 'fixed', size }, named.props)
    return this.define({ type: 'fixed', ...named, size, logical, props }, path)
  }

  private named(json: JsonObject, path: string, enclosing: string | undefined) {
    const given = json.get('name')
    if (typeof given !== 'string') return this.fail(`a ${String(json.get('type'))} needs a "name"`, path)
    if (!isAvroFullName(given)) return this.fail(illegal('type', given), path)
    const own = textOf(json.get('namespace'))
    if (own && !isAvroFullName(own)) return this.fail(illegal('namespace', own), path)
    const fullName = fullNameOf(given, own ?? enclosing)
    const namespace = namespaceOf(fullName)
    return {
      name: shortNameOf(fullName),
      namespace,
      fullName,
      aliases: this.aliases(json, path).map((alias) => fullNameOf(alias, namespace)),
      doc: textOf(json.get('doc')),
      props: propsOf(json),
    }
  }

  private aliases(json: JsonObject, path: string): string[] {
    const aliases = json.get('aliases')
    if (aliases === undefined) return []
    if (!Array.isArray(aliases)) return this.fail('"aliases" must be an array of names', path)
    return aliases.map((alias) =>
      typeof alias === 'string' && isAvroFullName(alias)
        ? alias
        : this.fail(illegal('alias', String(alias)), path),
    )
  }

  private define<T extends AvroNamed>(schema: T, path: string): T {
    if (isPrimitive(schema.fullName))
      return this.fail(`"${schema.fullName}" is the name of a primitive type`, path)
    if (this.names.has(schema.fullName)) return this.fail(`type ${schema.fullName} is defined twice`, path)
    this.names.set(schema.fullName, schema)
    return schema
  }

  private fail(message: string, path: string): never {
    throw new InputError(message, { where: `${this.where} ${path}` })
  }
}

function isPrimitive(name: string): name is PrimitiveType {
  return (primitiveTypes as readonly string[]).includes(name)
}

function textOf(json: Json | undefined): string | undefined {
  return typeof json === 'string' ? json : undefined
}

function illegal(what: string, name: string): string {
  return `"${name}" is no legal Avro ${what} name (letters, digits and _, not beginning with a digit)`
}

function propsOf(json: JsonObject, known: ReadonlySet<string> = schemaAttributes): Record<string, PlainJson> {
  const props: Record<string, PlainJson> = Object.create(null)
  for (const [key, value] of json) if (!known.has(key)) props[key] = plainJson(value)
  return props
}
