import { UsageError } from '../../errors.ts'
import { type AvroRecord, type AvroSchema, typeText } from '../../schema/avro-types.ts'
import { heightsOf } from './height.ts'
import { Random } from './random.ts'
import { type Generate, scalarGenerator } from './scalars.ts'
import { uniqueGenerator } from './unique.ts'

export interface GenerateOptions {
  /** Fields, as paths of original names joined by dots, whose values are made from the record's index: keys. Never null. */
  readonly unique?: readonly string[]
}

/** From this many records, arrays and maps inside each other on, the shortest way out is taken: null, no items. */
const deepEnough = 4
const nullEvery = 10
const mapKeys = ['alpha', 'beta', 'gamma delta', "quote'd", 'ключ', '🔑', '']

/**
 * Makes JSON values that fit the schema, in the form that `compileJsonEncoder` takes. Record `index` depends on nothing but
 * schema, seed and index, so that threads can share the range. Mostly ordinary values (words, prices, dates of 1970 to
 * 2100), one null in ten where null is allowed, and a few extremes: empty text, emoji, quotes, tabs, ends of the ranges.
 * No U+0000 in text and no NaN or infinities: the databases cannot hold them.
 *
 * @param seed any integer up to 2^53
 * @throws UsageError for a `unique` path that does not exist or whose type cannot be unique, and for a schema that no finite
 *   value fits; the generator throws it when a unique field has no more values
 */
export function generateValues(
  schema: AvroSchema,
  seed: number,
  options: GenerateOptions = {},
): (index: number) => unknown {
  const unique = new Set(options.unique ?? [])
  const generate = new GeneratorCompiler(schema, unique).compile(schema, '')
  const [unknown] = unique
  if (unknown !== undefined) {
    throw new UsageError(`the schema has no field ${unknown} to make unique`, {
      next: 'name a field of the record, nested ones as parent.child',
    })
  }
  const random = new Random(seed)
  return (index) => {
    random.start(index)
    return generate(random)
  }
}

class GeneratorCompiler {
  /** Paths that were not met yet. */
  readonly #unique: Set<string>
  readonly #records = new Map<AvroRecord, Generate>()
  readonly #heightOf: (schema: AvroSchema) => number

  constructor(schema: AvroSchema, unique: Set<string>) {
    this.#unique = unique
    this.#heightOf = heightsOf(schema)
    if (this.#heightOf(schema) === Number.POSITIVE_INFINITY) {
      throw new UsageError(`${typeText(schema)} always holds itself: no finite value fits it`, {
        next: 'make the inner record optional: ["null", …]',
      })
    }
  }

  /** `path`: original names from the record down; undefined below arrays, maps and unions, where nothing is unique. */
  compile(schema: AvroSchema, path: string | undefined): Generate {
    if (path !== undefined && this.#unique.delete(path)) return uniqueGenerator(schema, path)
    switch (schema.type) {
      case 'record':
        return this.#record(schema, path)
      case 'array': {
        const generate = this.compile(schema.items, undefined)
        return (random) => manyOf(generate, random)
      }
      case 'map': {
        const generate = this.compile(schema.values, undefined)
        return (random) => Object.fromEntries(manyOf(generate, random).map((item, i) => [mapKeys[i], item]))
      }
      case 'union':
        return this.#union(schema.branches)
      default:
        return scalarGenerator(schema)
    }
  }

  #record(schema: AvroRecord, path: string | undefined): Generate {
    const below = path === undefined ? undefined : path === '' ? '' : `${path}.`
    const shared = below === undefined || ![...this.#unique].some((unique) => unique.startsWith(below))
    const known = shared ? this.#records.get(schema) : undefined
    if (known !== undefined) return known
    const fields: { readonly name: string; readonly generate: Generate }[] = []
    // On an ordinary object, assigning __proto__ makes no field.
    const ordinary = !schema.fields.some((field) => field.originalName === '__proto__')
    const generate: Generate = (random) => {
      const record: Record<string, unknown> = ordinary ? {} : Object.create(null)
      random.depth++
      for (const field of fields) record[field.name] = field.generate(random)
      random.depth--
      return record
    }
    if (shared) this.#records.set(schema, generate)
    for (const { originalName: name, type } of schema.fields) {
      fields.push({ name, generate: this.compile(type, shared ? undefined : `${below}${name}`) })
    }
    return generate
  }

  #union(branches: readonly AvroSchema[]): Generate {
    const shortest = branches.reduce((a, b) => (this.#heightOf(b) < this.#heightOf(a) ? b : a))
    const wayOut = this.compile(shortest, undefined)
    const optional = branches.some((branch) => branch.type === 'null')
    const others = branches
      .filter((branch) => branch.type !== 'null' && this.#heightOf(branch) < Number.POSITIVE_INFINITY)
      .map((branch) => this.compile(branch, undefined))
    return (random) => {
      if (others.length === 0) return wayOut(random)
      if (optional && random.below(nullEvery) === 0) return null
      return random.depth >= deepEnough ? wayOut(random) : random.pick(others)(random)
    }
  }
}

function manyOf(generate: Generate, random: Random): unknown[] {
  const count = random.depth >= deepEnough ? 0 : random.below(4)
  random.depth++
  const items = Array.from({ length: count }, () => generate(random))
  random.depth--
  return items
}
