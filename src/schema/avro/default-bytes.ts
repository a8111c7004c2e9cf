import { defaultProblem } from '../avro-default.ts'
import type { AvroField, AvroSchema } from '../avro-types.ts'
import type { PlainJson } from '../json-text.ts'
import { ByteWriter } from './byte-writer.ts'
import { Misfit, maxDepth } from './errors.ts'

/**
 * A field's default in Avro binary; undefined when it has none. Defaults have the specification's JSON form (bytes as
 * ISO 8859-1 text, logical types as their underlying type), which is another one than the JSON data that people have.
 * `parseSchema` has checked that the default fits. Throws Misfit for a default that is too large.
 */
export function defaultBytes(field: AvroField): Buffer | undefined {
  if (field.default === undefined) return undefined
  const out = new DefaultWriter()
  write(field.type, field.default, out)
  return out.copy()
}

/** Records and bytes that one default may come to: records that use each other twice double with each level. */
const maxRecords = 65_536
const maxBytes = 1024 * 1024

class DefaultWriter extends ByteWriter {
  #records = 0

  /** Throws Misfit when the default has become too large. */
  startRecord(): void {
    if (++this.depth > maxDepth) throw new Misfit(`the default is nested deeper than ${maxDepth} levels`)
    if (++this.#records > maxRecords || this.position > maxBytes)
      throw new Misfit(`the default has more than ${maxRecords} records or ${maxBytes} bytes`)
  }
}

type JsonFields = Readonly<Record<string, PlainJson>>

function write(schema: AvroSchema, value: PlainJson, out: DefaultWriter): void {
  switch (schema.type) {
    case 'null':
      return
    case 'boolean':
      out.byte(value === true ? 1 : 0)
      return
    case 'int':
    case 'long':
      out.bigLong(BigInt(value as number | bigint))
      return
    case 'float':
      out.float(Number(value))
      return
    case 'double':
      out.double(Number(value))
      return
    case 'string':
      out.string(value as string)
      return
    case 'bytes':
      out.bytesWithLength(Buffer.from(value as string, 'latin1'))
      return
    case 'fixed':
      out.bytes(Buffer.from(value as string, 'latin1'))
      return
    case 'enum':
      out.long(schema.symbols.indexOf(value as string))
      return
    case 'array':
      writeBlock(value as readonly PlainJson[], out, (item) => write(schema.items, item, out))
      return
    case 'map':
      writeBlock(Object.entries(value as JsonFields), out, ([key, item]) => {
        out.string(key)
        write(schema.values, item, out)
      })
      return
    case 'union': {
      const branch = schema.branches.findIndex((candidate) => defaultProblem(candidate, value) === undefined)
      out.long(branch)
      write(schema.branches[branch] as AvroSchema, value, out)
      return
    }
    case 'record':
      // A record whose default holds itself by default has no end.
      out.startRecord()
      for (const field of schema.fields) {
        const given = (value as JsonFields)[field.name]
        write(field.type, given === undefined ? (field.default as PlainJson) : given, out)
      }
      out.depth--
  }
}

function writeBlock<T>(items: readonly T[], out: ByteWriter, writeItem: (item: T) => void): void {
  if (items.length > 0) out.long(items.length)
  for (const item of items) writeItem(item)
  out.long(0)
}
