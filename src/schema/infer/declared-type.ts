import { type AvroJson, type Choice, plain } from './scalar-choice.ts'

/** Type names of the older form of a sample file, beside Avro's own. */
const typeNames: Readonly<Record<string, AvroJson>> = {
  boolean: 'boolean',
  bool: 'boolean',
  int: 'int',
  integer: 'int',
  long: 'long',
  bigint: 'long',
  float: 'float',
  double: 'double',
  number: 'double',
  string: 'string',
  text: 'string',
  bytes: 'bytes',
  date: { type: 'int', logicalType: 'date' },
  time: { type: 'long', logicalType: 'time-micros' },
  timestamp: { type: 'long', logicalType: 'timestamp-millis' },
  datetime: { type: 'long', logicalType: 'timestamp-millis' },
  'timestamp-millis': { type: 'long', logicalType: 'timestamp-millis' },
  'timestamp-micros': { type: 'long', logicalType: 'timestamp-micros' },
  'local-timestamp-millis': { type: 'long', logicalType: 'local-timestamp-millis' },
  'local-timestamp-micros': { type: 'long', logicalType: 'local-timestamp-micros' },
  uuid: { type: 'string', logicalType: 'uuid' },
}

export const declaredTypeNames: readonly string[] = [...Object.keys(typeNames), 'decimal(PRECISION,SCALE)']

/** `long`, `decimal(10,2)`, `string?` (nullable); undefined for an unknown name. Upper and lower case are the same. */
export function declaredType(text: string): (Choice & { readonly nullable: boolean }) | undefined {
  const nullable = text.trim().endsWith('?')
  const name = text
    .trim()
    .replace(/\s*\?$/, '')
    .toLowerCase()
  const decimal = /^decimal\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(name)
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2] ?? 0)]
    if (precision < 1 || scale > precision) return undefined
    const avro = { type: 'bytes', logicalType: 'decimal', precision, scale }
    return { avro, text: `decimal(${precision},${scale})`, why: ['declared'], nullable }
  }
  if (!Object.hasOwn(typeNames, name)) return undefined
  return { ...plain(name, ['declared']), avro: typeNames[name] as AvroJson, nullable }
}
