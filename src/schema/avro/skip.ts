import type { AvroRecord, AvroSchema } from '../avro-types.ts'
import type { ByteReader } from './byte-reader.ts'
import { Misfit, maxDepth } from './errors.ts'

export type Skip = (reader: ByteReader) => void

/**
 * One level deeper; throws Misfit beyond the limit, or when more is opened than the bytes can be about: records without
 * fields take none. The caller takes it back: `reader.depth--`.
 */
export function enter(reader: ByteReader): void {
  if (++reader.depth > maxDepth) throw new Misfit(`nested deeper than ${maxDepth} levels`)
  reader.open()
}

/** Functions that move past a value of a writer's schema. One object for each decoder: records are compiled once. */
export class SkipCompiler {
  readonly #records = new Map<AvroRecord, Skip>()

  compile(schema: AvroSchema): Skip {
    switch (schema.type) {
      case 'null':
        return () => undefined
      case 'boolean':
        return (reader) => reader.skip(1)
      case 'int':
      case 'long':
      case 'enum':
        return (reader) => reader.skipLong()
      case 'float':
        return (reader) => reader.skip(4)
      case 'double':
        return (reader) => reader.skip(8)
      case 'bytes':
      case 'string':
        return (reader) => reader.skip(reader.length())
      case 'fixed':
        return (reader) => reader.skip(schema.size)
      case 'array':
        return skipBlocks(this.compile(schema.items), minBytesOf(schema.items))
      case 'map': {
        const skipValue = this.compile(schema.values)
        const skipEntry: Skip = (reader) => {
          reader.skip(reader.length())
          skipValue(reader)
        }
        return skipBlocks(skipEntry, 1 + minBytesOf(schema.values))
      }
      case 'union': {
        const branches = schema.branches.map((branch) => this.compile(branch))
        return (reader) => branchOf(branches, reader)(reader)
      }
      case 'record':
        return this.#records.get(schema) ?? this.#record(schema)
    }
  }

  #record(schema: AvroRecord): Skip {
    const fields: Skip[] = []
    const skip: Skip = (reader) => {
      enter(reader)
      for (const skipField of fields) skipField(reader)
      reader.depth--
    }
    this.#records.set(schema, skip)
    for (const field of schema.fields) fields.push(this.compile(field.type))
    return skip
  }
}

function skipBlocks(skipItem: Skip, minBytes: number): Skip {
  return (reader) => {
    enter(reader)
    for (let count = reader.blockCount(minBytes); count > 0; count = reader.blockCount(minBytes)) {
      for (let i = 0; i < count; i++) skipItem(reader)
    }
    reader.depth--
  }
}

/** The entry of `branches` that the union's index names. */
export function branchOf<T>(branches: readonly T[], reader: ByteReader): T {
  const index = reader.int()
  const branch = branches[index]
  if (branch === undefined) throw new Misfit(`branch ${index} of a union of ${branches.length}`)
  return branch
}

/** Least bytes of the records that were looked at: a schema of 60 records, each twice in the next, has 2^60 ways down. */
const leastBytes = new WeakMap<AvroRecord, number>()

/** The least number of bytes that a value takes; a record inside itself counts 0. */
export function minBytesOf(schema: AvroSchema): number {
  switch (schema.type) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return schema.size
    case 'union':
      return 1 + Math.min(...schema.branches.map((branch) => minBytesOf(branch)))
    case 'record': {
      const known = leastBytes.get(schema)
      if (known !== undefined) return known
      leastBytes.set(schema, 0)
      const least = schema.fields.reduce((sum, field) => sum + minBytesOf(field.type), 0)
      leastBytes.set(schema, least)
      return least
    }
    default:
      return 1
  }
}
