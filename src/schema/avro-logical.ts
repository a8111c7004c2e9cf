import type { LogicalType } from './avro-types.ts'
import type { PlainJson } from './json-text.ts'

type Props = Readonly<Record<string, PlainJson>>

/** The types on which each logical type is valid (specification, "Logical Types"). */
const plainLogicalTypes = {
  date: 'int',
  'time-millis': 'int',
  'time-micros': 'long',
  'timestamp-millis': 'long',
  'timestamp-micros': 'long',
  'timestamp-nanos': 'long',
  'local-timestamp-millis': 'long',
  'local-timestamp-micros': 'long',
  'local-timestamp-nanos': 'long',
} as const

/**
 * The logical type that `props` puts on `type`, and the properties without its attributes. An unknown or
 * invalid logical type is ignored, as the specification demands: no `logical`, all properties kept.
 */
export function logicalTypeOf(
  type: { readonly type: string; readonly size?: number },
  props: Props,
): { logical: LogicalType | undefined; props: Props } {
  const logical = validLogicalType(type, props)
  if (!logical) return { logical, props }
  const { logicalType: _name, ...rest } = props
  if (logical.name !== 'decimal') return { logical, props: rest }
  const { precision: _precision, scale: _scale, ...others } = rest
  return { logical, props: others }
}

function validLogicalType(type: { type: string; size?: number }, props: Props): LogicalType | undefined {
  const name = props.logicalType
  if (typeof name !== 'string') return undefined
  if (name === 'decimal') return decimal(type, props)
  if (name === 'uuid') {
    return type.type === 'string' || (type.type === 'fixed' && type.size === 16) ? { name } : undefined
  }
  if (name === 'duration') return type.type === 'fixed' && type.size === 12 ? { name } : undefined
  if (!Object.hasOwn(plainLogicalTypes, name)) return undefined
  const known = name as keyof typeof plainLogicalTypes
  return plainLogicalTypes[known] === type.type ? { name: known } : undefined
}

function decimal(type: { type: string; size?: number }, props: Props): LogicalType | undefined {
  if (type.type !== 'bytes' && type.type !== 'fixed') return undefined
  const { precision, scale = 0 } = props
  if (!isWhole(precision) || !isWhole(scale) || precision < 1 || scale > precision) return undefined
  if (type.type === 'fixed' && precision > maxFixedPrecision(type.size ?? 0)) return undefined
  return { name: 'decimal', precision, scale }
}

/** Digits that always fit into `size` bytes of two's complement: floor(log10(2^(8·size-1) - 1)). */
function maxFixedPrecision(size: number): number {
  return size < 1 ? 0 : Math.floor(Math.log10(2) * (8 * size - 1))
}

function isWhole(value: PlainJson | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}
