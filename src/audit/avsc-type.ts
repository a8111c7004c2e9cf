import avsc from 'avsc'
import { type AvroNamed, type AvroSchema, isNamed } from '../schema/avro-types.ts'

/**
 * avsc's type for a schema: the audit decodes with another library than the consumer, so that one mistake cannot be made
 * twice. Every name is replaced (types `T0`, …, fields `f0`, …, symbols `s0`, …), so that no name means anything to avsc;
 * longs are bigints, a union's value is wrapped in its branch's name, bytes are buffers, and logical types are not known.
 */
export class AvscTypes {
  readonly #names = new Map<AvroNamed, string>()

  typeOf(schema: AvroSchema): avsc.Type {
    const options = { registry: { long }, wrapUnions: 'always' as const }
    return avsc.Type.forSchema(this.#plain(schema, new Set()) as avsc.Schema, options)
  }

  /** The name by which a union's value says that it is of this branch. */
  branchName(branch: AvroSchema): string {
    return isNamed(branch) ? this.#nameOf(branch) : branch.type
  }

  #nameOf(schema: AvroNamed): string {
    const name = this.#names.get(schema) ?? `T${this.#names.size}`
    this.#names.set(schema, name)
    return name
  }

  #plain(schema: AvroSchema, defined: Set<AvroNamed>): unknown {
    if (isNamed(schema)) {
      const name = this.#nameOf(schema)
      if (defined.has(schema)) return name
      defined.add(schema)
      switch (schema.type) {
        case 'enum':
          return { type: 'enum', name, symbols: schema.symbols.map((_, i) => `s${i}`) }
        case 'fixed':
          return { type: 'fixed', name, size: schema.size }
        case 'record':
          return {
            type: 'record',
            name,
            fields: schema.fields.map((field, i) => ({
              name: `f${i}`,
              type: this.#plain(field.type, defined),
            })),
          }
      }
    }
    switch (schema.type) {
      case 'union':
        return schema.branches.map((branch) => this.#plain(branch, defined))
      case 'array':
        return { type: 'array', items: this.#plain(schema.items, defined) }
      case 'map':
        return { type: 'map', values: this.#plain(schema.values, defined) }
      default:
        return schema.type
    }
  }
}

/** avsc's own long refuses what a double does not hold. */
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})
