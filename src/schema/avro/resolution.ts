import { type AvroField, type AvroRecord, type AvroSchema, type AvroUnion, typeText } from '../avro-types.ts'
import { defaultBytes } from './default-bytes.ts'
import { DecodeError, Misfit } from './errors.ts'
import type { AvroScalar } from './json-scalars.ts'

/**
 * How bytes of a writer's schema are read as a reader's schema: Avro's schema resolution, worked out once.
 * https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 *
 * As Java does, and beyond the specification's text: outside of unions the names of records, enums and fixed need not
 * match; for a union the branch of the same name and type is preferred to the first that could be read. Logical types
 * of one family widen (millis → micros → nanos, multiplied); other changes of a logical type's meaning are refused,
 * because reading on would change values silently.
 */
export type Plan = ScalarPlan | EnumPlan | ArrayPlan | MapPlan | RecordPlan | ChoicePlan | RefusedPlan

/** A value without values inside: read as `wire`, meant as `as`. */
export interface ScalarPlan {
  readonly kind: 'scalar'
  readonly wire: Exclude<AvroScalar, { type: 'enum' }>
  readonly as: Exclude<AvroScalar, { type: 'enum' }>
  /** What a number is multiplied by: 1, or 1000 from millis to micros, … */
  readonly times: number
}

export interface EnumPlan {
  readonly kind: 'enum'
  /** The reader's symbol for each index of the writer's; undefined where the reader knows none. */
  readonly symbols: readonly (string | undefined)[]
  readonly writerSymbols: readonly string[]
}

export interface ArrayPlan {
  readonly kind: 'array'
  readonly writerItems: AvroSchema
  readonly items: Plan
}

export interface MapPlan {
  readonly kind: 'map'
  readonly writerValues: AvroSchema
  readonly values: Plan
}

export interface RecordPlan {
  readonly kind: 'record'
  /** In the order of the bytes. */
  readonly steps: readonly RecordStep[]
  /** The reader's fields that the writer does not have. */
  readonly added: readonly AddedField[]
}

/** `field` is the reader's; undefined: skipped. */
export interface RecordStep {
  readonly writer: AvroField
  readonly field: AvroField | undefined
  readonly plan: Plan | undefined
}

/** A default, as the bytes that it would have and the plan to read them. */
export interface AddedField {
  readonly field: AvroField
  readonly bytes: Buffer
  readonly plan: Plan
}

/** The writer's union: its index says how the rest is read. */
export interface ChoicePlan {
  readonly kind: 'choice'
  readonly branches: readonly Plan[]
}

/** A branch that the writer may use and the reader cannot take. */
export interface RefusedPlan {
  readonly kind: 'refused'
  readonly reason: string
}

/** Throws Misfit, with the path of field names, when no value of the writer's schema could be read. */
export function resolve(writer: AvroSchema, reader: AvroSchema): Plan {
  return new Resolver().plan(writer, reader)
}

/** Steps of one resolution. Unions of records that hold unions of records can be tried in 2^n ways. */
const maxSteps = 200_000

class Resolver {
  #steps = 0

  /** Pairs of records in work or done, in order: a record may hold itself. */
  #records: { readonly writer: AvroRecord; readonly reader: AvroRecord; readonly plan: RecordPlan }[] = []

  plan(writer: AvroSchema, reader: AvroSchema): Plan {
    // No Misfit: that would only make it try the next way.
    if (++this.#steps > maxSteps)
      throw new DecodeError(
        '',
        'writer and reader schema hold unions in unions in too many ways to compare them',
      )
    if (writer.type === 'union') return this.#choice(writer, reader)
    if (reader.type === 'union') return this.#intoUnion(writer, reader)
    if (writer.type === 'record' && reader.type === 'record') return this.#record(writer, reader)
    if (writer.type === 'array' && reader.type === 'array') {
      return { kind: 'array', writerItems: writer.items, items: this.plan(writer.items, reader.items) }
    }
    if (writer.type === 'map' && reader.type === 'map') {
      return { kind: 'map', writerValues: writer.values, values: this.plan(writer.values, reader.values) }
    }
    if (writer.type === 'enum' && reader.type === 'enum') {
      const known = new Set(reader.symbols)
      return {
        kind: 'enum',
        symbols: writer.symbols.map((symbol) => (known.has(symbol) ? symbol : reader.default)),
        writerSymbols: writer.symbols,
      }
    }
    if (!isPlain(writer) || !isPlain(reader) || !promotes(writer, reader)) throw mismatch(writer, reader)
    return { kind: 'scalar', wire: writer, as: reader, times: factor(writer, reader) }
  }

  #choice(writer: AvroUnion, reader: AvroSchema): Plan {
    let refused: Misfit | undefined
    const branches = writer.branches.map((branch): Plan => {
      const plan = this.#attempt(branch, reader)
      if (!(plan instanceof Misfit)) return plan
      refused ??= plan
      return { kind: 'refused', reason: plan.message }
    })
    if (refused !== undefined && branches.every((branch) => branch.kind === 'refused')) throw refused
    return { kind: 'choice', branches }
  }

  #intoUnion(writer: AvroSchema, reader: AvroUnion): Plan {
    const byLikeness = [...reader.branches].sort((a, b) => unlikeness(writer, a) - unlikeness(writer, b))
    for (const branch of byLikeness) {
      const plan = this.#attempt(writer, branch)
      if (!(plan instanceof Misfit)) return plan
    }
    throw mismatch(writer, reader)
  }

  #attempt(writer: AvroSchema, reader: AvroSchema): Plan | Misfit {
    try {
      return this.plan(writer, reader)
    } catch (error) {
      if (error instanceof Misfit) return error
      throw error
    }
  }

  #record(writer: AvroRecord, reader: AvroRecord): RecordPlan {
    const known = this.#records.find((pair) => pair.writer === writer && pair.reader === reader)
    if (known !== undefined) return known.plan
    const steps: RecordStep[] = []
    const added: AddedField[] = []
    const plan: RecordPlan = { kind: 'record', steps, added }
    const before = this.#records.length
    this.#records.push({ writer, reader, plan })
    const matches = matchFields(writer, reader)
    try {
      for (const field of writer.fields) {
        const target = matches.get(field)
        const inner = target === undefined ? undefined : this.#field(field.type, target)
        steps.push({ writer: field, field: target, plan: inner })
      }
      const matched = new Set(matches.values())
      for (const field of reader.fields) if (!matched.has(field)) added.push(this.#added(field))
    } catch (error) {
      // Plans made since then may hold this one.
      this.#records.length = before
      throw error
    }
    return plan
  }

  #field(writer: AvroSchema, reader: AvroField): Plan {
    try {
      return this.plan(writer, reader.type)
    } catch (error) {
      throw error instanceof Misfit ? error.within(reader.originalName) : error
    }
  }

  #added(field: AvroField): AddedField {
    const bytes = defaultBytes(field)
    if (bytes === undefined) {
      throw new Misfit("the writer's schema does not have the field, and it has no default").within(
        field.originalName,
      )
    }
    return { field, bytes, plan: this.#field(field.type, field) }
  }
}

/** Writer's field → reader's: by name, else by the reader's aliases. */
function matchFields(writer: AvroRecord, reader: AvroRecord): Map<AvroField, AvroField> {
  const matches = new Map<AvroField, AvroField>()
  const byName = new Map(writer.fields.map((field) => [field.name, field]))
  for (const field of reader.fields) {
    const same = [field.name, ...field.aliases]
      .map((name) => byName.get(name))
      .find((match) => match !== undefined)
    if (same !== undefined && !matches.has(same)) matches.set(same, field)
  }
  return matches
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

function isPlain(schema: AvroSchema): schema is ScalarPlan['as'] {
  return !['record', 'array', 'map', 'union', 'enum'].includes(schema.type)
}

function promotes(writer: ScalarPlan['as'], reader: ScalarPlan['as']): boolean {
  if (writer.type === 'fixed' && reader.type === 'fixed') return writer.size === reader.size
  return writer.type === reader.type || promotions[writer.type]?.includes(reader.type) === true
}

const units = ['millis', 'micros', 'nanos']

/** What keeps the value's meaning from the writer's logical type to the reader's. Throws Misfit when nothing does. */
function factor(writer: ScalarPlan['as'], reader: ScalarPlan['as']): number {
  const from = writer.logical
  const to = reader.logical
  if (from === undefined || to === undefined) return 1
  if (from.name === 'decimal' && to.name === 'decimal') {
    if (from.scale !== to.scale) throw mismatch(writer, reader)
    return 1
  }
  const [fromFamily, fromUnit] = splitUnit(from.name)
  const [toFamily, toUnit] = splitUnit(to.name)
  if (fromFamily !== toFamily || toUnit < fromUnit) throw mismatch(writer, reader)
  return 1000 ** (toUnit - fromUnit)
}

/** `local-timestamp-micros` → `local-timestamp`, 1 */
function splitUnit(name: string): [family: string, unit: number] {
  const dash = name.lastIndexOf('-')
  const unit = units.indexOf(name.slice(dash + 1))
  return unit < 0 ? [name, 0] : [name.slice(0, dash), unit]
}

/** 0: same full name or type and logical type; 1: same name without namespace, or an alias; 2: same type; 3: another. */
function unlikeness(writer: AvroSchema, reader: AvroSchema): number {
  if (writer.type !== reader.type) return 3
  if (!('name' in writer) || !('name' in reader)) return typeText(writer) === typeText(reader) ? 0 : 2
  if (writer.fullName === reader.fullName) return 0
  return writer.name === reader.name || reader.aliases.includes(writer.fullName) ? 1 : 2
}

function mismatch(writer: AvroSchema, reader: AvroSchema): Misfit {
  return new Misfit(`written as ${typeText(writer)}, which cannot be read as ${typeText(reader)}`)
}
