import { readWhole } from '../schema/avro/byte-reader.ts'
import { Misfit } from '../schema/avro/errors.ts'
import { SkipCompiler } from '../schema/avro/skip.ts'
import type { AvroRecord, AvroSchema } from '../schema/avro-types.ts'
import type { AvscTypes } from './avsc-type.ts'
import { Unreadable } from './unreadable.ts'

/** Decodes the Avro binary behind the registry's header of five bytes. Throws Unreadable. */
export type Decode = (message: Buffer) => unknown

/**
 * avsc as a decoder. It believes what bytes say of their number of items, and would fill the memory with two billion of them: where a
 * schema has arrays or maps the bytes are walked through first, by code that does not.
 */
export function decoderOf(writer: AvroSchema, types: AvscTypes): Decode {
  const type = types.typeOf(writer)
  const walk = hasItems(writer) ? new SkipCompiler().compile(writer) : undefined
  return (message) => {
    try {
      if (walk) readWhole(walk, message, 5)
      return type.fromBuffer(message.subarray(5))
    } catch (error) {
      // avsc throws plain errors, and whatever a read beyond the end gives.
      throw new Unreadable(error instanceof Misfit ? error.message : String(error), { cause: error })
    }
  }
}

function hasItems(schema: AvroSchema, within: ReadonlySet<AvroRecord> = new Set()): boolean {
  switch (schema.type) {
    case 'array':
    case 'map':
      return true
    case 'union':
      return schema.branches.some((branch) => hasItems(branch, within))
    case 'record': {
      if (within.has(schema)) return false
      const inside = new Set(within).add(schema)
      return schema.fields.some((field) => hasItems(field.type, inside))
    }
    default:
      return false
  }
}
