import type { AvroSchema } from '../avro-schema.ts'

/**
 * What can stand between a writer's schema and a reader's. The names are those of Avro's SchemaCompatibility and of
 * Confluent's registry; LOGICAL_TYPE_MISMATCH is of etl: the bytes can be read, but they mean something else.
 */
export type CompatibilityRule =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH'
  | 'LOGICAL_TYPE_MISMATCH'

export interface Incompatibility {
  readonly rule: CompatibilityRule
  /** `Flight.delay`, `Order.lines[].price`, `Prices.map{}`: from the record down to the field. */
  readonly path: string
  /** One sentence for people. */
  readonly message: string
}

/** One question: can data written with `writer` be read with `reader`? */
export interface Pair {
  readonly reader: AvroSchema
  readonly writer: AvroSchema
  readonly path: string
}
