import type { PlainJson } from './json-text.ts'

/**
 * A parsed Avro schema (Apache Avro 1.12 specification), names resolved. `parseSchema` (avro-schema.ts) makes it.
 *
 * - Every schema is an object with `type`; a primitive written as "int" and one written as {"type": "int"} look alike.
 * - A named type (record, enum, fixed) that is used in several places is the *same object* in each, so a recursive
 *   schema is a cyclic graph: code that walks it must remember where it has been. `fullName` identifies it.
 * - `logical` is set only when the logical type is valid on its underlying type; otherwise the specification says to
 *   ignore it: `logical` is undefined and `props` keeps the attributes `logicalType`, `precision`, … as they were.
 * - A union is `{ type: 'union', branches }`, wherever it stands.
 * - `props` holds the attributes that Avro does not define.
 */
export type AvroSchema = AvroPrimitive | AvroNamed | AvroArray | AvroMap | AvroUnion
export type AvroNamed = AvroRecord | AvroEnum | AvroFixed

export const primitiveTypes = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] as const
export type PrimitiveType = (typeof primitiveTypes)[number]

export type LogicalType =
  /** On bytes or fixed: two's complement, big-endian, unscaled. */
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  /** On string (RFC 4122 text) or fixed(16). */
  | { readonly name: 'uuid' }
  /** On int: days since 1970-01-01. */
  | { readonly name: 'date' }
  /** time-millis on int, time-micros on long: since midnight. */
  | { readonly name: 'time-millis' | 'time-micros' }
  /** On long: since the epoch, UTC. */
  | { readonly name: 'timestamp-millis' | 'timestamp-micros' | 'timestamp-nanos' }
  /** On long: since 1970-01-01T00:00 in whatever zone the reader thinks of. */
  | { readonly name: 'local-timestamp-millis' | 'local-timestamp-micros' | 'local-timestamp-nanos' }
  /** On fixed(12): months, days, milliseconds, each little-endian unsigned 32 bits. */
  | { readonly name: 'duration' }

interface Annotated {
  readonly props: Readonly<Record<string, PlainJson>>
}

export interface AvroPrimitive extends Annotated {
  readonly type: PrimitiveType
  readonly logical: LogicalType | undefined
}

interface Named extends Annotated {
  /** Name without namespace. */
  readonly name: string
  readonly namespace: string | undefined
  /** `namespace.name`, or `name` where there is no namespace. */
  readonly fullName: string
  /** Full names. */
  readonly aliases: readonly string[]
  readonly doc: string | undefined
}

export interface AvroRecord extends Named {
  readonly type: 'record'
  readonly fields: readonly AvroField[]
}

export interface AvroField extends Annotated {
  readonly name: string
  /**
   * The field's name in JSON data and in tables: the property `originalName` where Avro forbids that name
   * ("US Gross" → US_Gross), else the same as `name`.
   */
  readonly originalName: string
  readonly type: AvroSchema
  /** JSON form as the specification has it (bytes as ISO 8859-1 text); undefined: the field has no default. */
  readonly default: PlainJson | undefined
  readonly aliases: readonly string[]
  readonly doc: string | undefined
}

export interface AvroEnum extends Named {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  /** The symbol that a reader takes for an unknown one. */
  readonly default: string | undefined
}

export interface AvroFixed extends Named {
  readonly type: 'fixed'
  /** Bytes. */
  readonly size: number
  readonly logical: LogicalType | undefined
}

export interface AvroArray extends Annotated {
  readonly type: 'array'
  readonly items: AvroSchema
}

export interface AvroMap extends Annotated {
  readonly type: 'map'
  readonly values: AvroSchema
}

export interface AvroUnion {
  readonly type: 'union'
  readonly branches: readonly AvroSchema[]
}

/** `["null", T]` or `[T, "null"]` → T; any other schema → undefined. */
export function optionalOf(schema: AvroSchema): AvroSchema | undefined {
  if (schema.type !== 'union' || schema.branches.length !== 2) return undefined
  const [first, second] = schema.branches
  if (first?.type === 'null') return second
  return second?.type === 'null' ? first : undefined
}

export function isNamed(schema: AvroSchema): schema is AvroNamed {
  return schema.type === 'record' || schema.type === 'enum' || schema.type === 'fixed'
}

/** A type in one or few words: `string`, `decimal(10,2)`, `null | long`, `array of int`, `record com.exam.Flight`. */
export function typeText(schema: AvroSchema): string {
  switch (schema.type) {
    case 'union':
      return schema.branches.map(typeText).join(' | ')
    case 'array':
      return `array of ${nested(schema.items)}`
    case 'map':
      return `map of ${nested(schema.values)}`
    case 'record':
    case 'enum':
      return `${schema.type} ${schema.fullName}`
    case 'fixed':
      return schema.logical ? logicalText(schema.logical) : `fixed(${schema.size}) ${schema.fullName}`
    default:
      return schema.logical ? logicalText(schema.logical) : schema.type
  }
}

function nested(schema: AvroSchema): string {
  return schema.type === 'union' ? `(${typeText(schema)})` : typeText(schema)
}

function logicalText(logical: LogicalType): string {
  return logical.name === 'decimal' ? `decimal(${logical.precision},${logical.scale})` : logical.name
}
