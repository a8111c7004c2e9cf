/** Vendor-neutral description of the table that a topic's records go to; each sink turns it into its DDL. */

/** What a column holds. The SqlValue of each kind is given in brackets. */
export type ColumnType =
  | { readonly kind: 'boolean' } // boolean
  | { readonly kind: 'int32' } // number
  | { readonly kind: 'int64' } // bigint
  | { readonly kind: 'float32' } // number
  | { readonly kind: 'float64' } // number
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number } // string, plain notation
  | { readonly kind: 'string'; readonly maxLength?: number } // string; no maxLength: unlimited
  | { readonly kind: 'enum'; readonly symbols: readonly string[] } // string
  | { readonly kind: 'uuid' } // string, lower case with dashes
  | { readonly kind: 'bytes'; readonly maxLength?: number } // Buffer; no maxLength: unlimited
  | { readonly kind: 'date' } // number, days since 1970-01-01
  | { readonly kind: 'time' } // bigint, microseconds since midnight
  | { readonly kind: 'timestamp'; readonly zoned: boolean; readonly precision: 3 | 6 } // bigint, µs since the epoch
  | { readonly kind: 'json' } // string, JSON text

export type SqlValue = null | boolean | number | bigint | string | Buffer

export interface ColumnSpec {
  /** Column name: the original field name where the Avro name had to differ. */
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  /**
   * Where the value comes from: a path of Avro field names below the record (longer than one when nested records are flattened), in the
   * value or in the key.
   */
  readonly source: { readonly from: 'value' | 'key'; readonly path: readonly string[] }
}

/** Columns that say which record a row came from; they make an append table verifiable per partition. */
export const provenanceColumns = { partition: 'kafka_partition', offset: 'kafka_offset' } as const

export interface TableSpec {
  /** Table name, optionally with schema/database: `flights`, `public.flights`. */
  readonly table: string
  readonly columns: readonly ColumnSpec[]
  /** Names of the key columns; empty: no key from the data. */
  readonly primaryKey: readonly string[]
  /** Adds kafka_partition and kafka_offset; they are the primary key when `primaryKey` is empty. */
  readonly provenance: boolean
}
