import { type AvroSchema, type LogicalType, typeText } from '../avro-schema.ts'
import type { Incompatibility, Pair } from './incompatibility.ts'

/**
 * The bytes can be read; do they mean the same? A decimal must keep its scale and may only grow in precision, a time its
 * unit. Adding or taking away a logical type counts as a change of meaning, too, except uuid, which is text anyway.
 */
export function logicalMismatch({ reader, writer, path }: Pair): Incompatibility[] {
  const from = logicalOf(writer)
  const to = logicalOf(reader)
  if (keepsMeaning(from, to)) return []
  const message = `${typeText(writer)} was written and is read as ${typeText(reader)}: ${meaning(from, to)}`
  return [{ rule: 'LOGICAL_TYPE_MISMATCH', path, message }]
}

function keepsMeaning(from: LogicalType | undefined, to: LogicalType | undefined): boolean {
  if (from?.name === 'decimal' && to?.name === 'decimal') {
    return from.scale === to.scale && from.precision <= to.precision
  }
  return from?.name === to?.name || (from?.name === 'uuid' && to === undefined)
}

function meaning(from: LogicalType | undefined, to: LogicalType | undefined): string {
  if (from?.name === 'decimal' && to?.name === 'decimal') {
    return from.scale === to.scale ? 'large values no longer fit' : 'the decimal point would move'
  }
  if (!from || !to) return 'the number or text stays, its meaning does not'
  return 'the same number means another value'
}

function logicalOf(schema: AvroSchema): LogicalType | undefined {
  return 'logical' in schema ? schema.logical : undefined
}
