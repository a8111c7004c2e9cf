import {
  type AvroField,
  type AvroNamed,
  type AvroRecord,
  type AvroSchema,
  isNamed,
  optionalOf,
  typeText,
} from '../avro-schema.ts'
import { jsonText } from '../json-text.ts'

export interface SchemaChange {
  readonly kind:
    | 'added'
    | 'removed'
    | 'renamed'
    | 'type'
    | 'name'
    | 'default'
    | 'doc'
    | 'alias'
    | 'symbols'
    | 'order'
    | 'original-name'
  /** `Flight.delay`, as in incompatibilities. */
  readonly path: string
  /** What was and what is; absent where there was or is nothing. */
  readonly before?: string
  readonly after?: string
}

/** What changed from one schema to another, in the order of the new one; empty: they say the same. */
export function schemaChanges(before: AvroSchema, after: AvroSchema): SchemaChange[] {
  const path = isNamed(after) ? after.name : after.type
  return new Differ().changes(before, after, path)
}

class Differ {
  private readonly seen = new Map<AvroSchema, Set<AvroSchema>>()

  changes(before: AvroSchema, after: AvroSchema, path: string): SchemaChange[] {
    if (before.type === 'array' && after.type === 'array') {
      return this.changes(before.items, after.items, `${path}[]`)
    }
    if (before.type === 'map' && after.type === 'map') {
      return this.changes(before.values, after.values, `${path}{}`)
    }
    if (isNamed(before) && isNamed(after) && before.type === after.type)
      return this.named(before, after, path)
    const inner = [optionalOf(before), optionalOf(after)] as const
    if (inner[0] && inner[1]) return this.changes(inner[0], inner[1], path)
    // Only nullable now, or no more: what is inside is compared as well.
    const [plainBefore, plainAfter] = [inner[0] ?? before, inner[1] ?? after]
    const changed =
      typeText(before) === typeText(after) ? [] : [changeOf('type', path, typeText(before), typeText(after))]
    if (!inner[0] && !inner[1]) return changed
    const nested = this.changes(plainBefore, plainAfter, path).filter(
      ({ kind, path: at }) => kind !== 'type' || at !== path,
    )
    return [...changed, ...nested]
  }

  private named(before: AvroNamed, after: AvroNamed, path: string): SchemaChange[] {
    const compared = this.seen.get(before) ?? new Set()
    if (compared.has(after)) return []
    this.seen.set(before, compared.add(after))
    const changes = [
      ...(before.fullName === after.fullName
        ? []
        : [changeOf('name', path, before.fullName, after.fullName)]),
      ...annotations(before, after, path),
    ]
    if (before.type === 'record' && after.type === 'record') changes.push(...this.fields(before, after, path))
    if (before.type === 'enum' && after.type === 'enum') {
      changes.push(...textChange('symbols', path, before.symbols.join(', '), after.symbols.join(', ')))
      changes.push(...textChange('default', path, before.default, after.default))
    }
    if (before.type === 'fixed' && after.type === 'fixed' && before.size !== after.size) {
      changes.push(changeOf('type', path, `fixed(${before.size})`, `fixed(${after.size})`))
    }
    if (before.type === 'fixed' && after.type === 'fixed' && before.size === after.size) {
      changes.push(...textChange('type', path, typeText(before), typeText(after)))
    }
    return changes
  }

  private fields(before: AvroRecord, after: AvroRecord, path: string): SchemaChange[] {
    const left = new Map(before.fields.map((field) => [field.name, field]))
    const pairs = after.fields.map((field) => {
      const same = left.get(field.name)
      if (same) left.delete(field.name)
      return { field, same }
    })
    const changes = pairs.flatMap(({ field, same }) => {
      const old = same ?? takeAlias(field, left)
      const at = `${path}.${field.originalName}`
      if (!old) return [changeOf('added', at, undefined, describe(field))]
      return [
        ...(old.name === field.name ? [] : [changeOf('renamed', at, old.originalName, field.originalName)]),
        ...this.changes(old.type, field.type, at),
        ...this.fieldDetails(old, field, at),
      ]
    })
    const removed = [...left.values()].map((field) =>
      changeOf('removed', `${path}.${field.originalName}`, describe(field), undefined),
    )
    return [...changes, ...removed, ...orderChange(before, after, path)]
  }

  private fieldDetails(old: AvroField, field: AvroField, at: string): SchemaChange[] {
    const originals =
      old.name === field.name ? textChange('original-name', at, old.originalName, field.originalName) : []
    return [
      ...originals,
      ...textChange('default', at, defaultText(old), defaultText(field)),
      ...annotations(old, field, at),
    ]
  }
}

/** The old field that the new one names as its alias. */
function takeAlias(field: AvroField, left: Map<string, AvroField>): AvroField | undefined {
  const alias = field.aliases.find((name) => left.has(name))
  const old = alias === undefined ? undefined : left.get(alias)
  if (alias !== undefined) left.delete(alias)
  return old
}

type Annotated = { readonly doc: string | undefined; readonly aliases: readonly string[] }

function annotations(before: Annotated, after: Annotated, path: string): SchemaChange[] {
  const aliases = [before, after].map((one) => one.aliases.join(', ') || undefined)
  return [
    ...textChange('doc', path, before.doc, after.doc),
    ...textChange('alias', path, aliases[0], aliases[1]),
  ]
}

/** Fields in both schemas that stand in another order: harmless to readers by name, but the bytes differ. */
function orderChange(before: AvroRecord, after: AvroRecord, path: string): SchemaChange[] {
  const names = (record: AvroRecord, other: AvroRecord) =>
    record.fields.map(({ name }) => name).filter((name) => other.fields.some((field) => field.name === name))
  return textChange('order', path, names(before, after).join(', '), names(after, before).join(', '))
}

function describe(field: AvroField): string {
  const fallback = defaultText(field)
  return fallback === undefined ? typeText(field.type) : `${typeText(field.type)}, default ${fallback}`
}

function defaultText(field: AvroField): string | undefined {
  return field.default === undefined ? undefined : jsonText(field.default)
}

function textChange(
  kind: SchemaChange['kind'],
  path: string,
  before: string | undefined,
  after: string | undefined,
): SchemaChange[] {
  return before === after ? [] : [changeOf(kind, path, before, after)]
}

function changeOf(
  kind: SchemaChange['kind'],
  path: string,
  before: string | undefined,
  after: string | undefined,
): SchemaChange {
  return {
    kind,
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }
}
