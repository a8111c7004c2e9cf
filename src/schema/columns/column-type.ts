import type { AvroFixed, AvroPrimitive, AvroSchema, LogicalType } from '../avro-types.ts'
import type { ColumnType } from '../table-spec.ts'

/** What a column for values of an Avro schema holds. */
export interface MappedType {
  readonly type: ColumnType
  /** The schema allows null. */
  readonly nullable: boolean
}

/**
 * The column type that holds every value of the schema. Unions of several types besides null, records, arrays and maps are
 * JSON; nanoseconds stay a 64-bit integer, because no database timestamp has more than six digits; duration and plain fixed
 * are bytes. The null type alone is a JSON column that is always null.
 */
export function columnTypeOf(schema: AvroSchema): MappedType {
  switch (schema.type) {
    case 'union': {
      const others = schema.branches.filter((branch) => branch.type !== 'null')
      const [only] = others
      const type: ColumnType =
        only !== undefined && others.length === 1 ? columnTypeOf(only).type : { kind: 'json' }
      return { type, nullable: others.length < schema.branches.length }
    }
    case 'null':
      return { type: { kind: 'json' }, nullable: true }
    case 'enum':
      return { type: { kind: 'enum', symbols: schema.symbols }, nullable: false }
    case 'record':
    case 'array':
    case 'map':
      return { type: { kind: 'json' }, nullable: false }
    default:
      return {
        type: schema.logical ? logicalColumnType(schema.logical) : plainColumnType(schema),
        nullable: false,
      }
  }
}

function plainColumnType(schema: AvroPrimitive | AvroFixed): ColumnType {
  switch (schema.type) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'int':
      return { kind: 'int32' }
    case 'long':
      return { kind: 'int64' }
    case 'float':
      return { kind: 'float32' }
    case 'double':
      return { kind: 'float64' }
    case 'string':
      return { kind: 'string' }
    case 'bytes':
      return { kind: 'bytes' }
    case 'fixed':
      return { kind: 'bytes', maxLength: schema.size }
    case 'null':
      return { kind: 'json' }
  }
}

function logicalColumnType(logical: LogicalType): ColumnType {
  switch (logical.name) {
    case 'decimal':
      return { kind: 'decimal', precision: logical.precision, scale: logical.scale }
    case 'uuid':
      return { kind: 'uuid' }
    case 'date':
      return { kind: 'date' }
    case 'time-millis':
    case 'time-micros':
      return { kind: 'time' }
    case 'timestamp-millis':
      return { kind: 'timestamp', zoned: true, precision: 3 }
    case 'timestamp-micros':
      return { kind: 'timestamp', zoned: true, precision: 6 }
    case 'local-timestamp-millis':
      return { kind: 'timestamp', zoned: false, precision: 3 }
    case 'local-timestamp-micros':
      return { kind: 'timestamp', zoned: false, precision: 6 }
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return { kind: 'int64' }
    case 'duration':
      return { kind: 'bytes', maxLength: 12 }
  }
}
