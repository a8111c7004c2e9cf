import { decimalText } from '../../schema/avro/decimal.ts'
import { dateText, timestampText, timeText } from '../../schema/avro/temporal.ts'
import type { AvroEnum, AvroFixed, AvroPrimitive, LogicalType } from '../../schema/avro-types.ts'
import type { Random } from './random.ts'

export type Generate = (random: Random) => unknown

/** One value in this many is an extreme of its type. */
const edgeEvery = 50

const words =
  'amber birch cedar delta ember fjord grove harbor indigo juniper kelp lagoon maple north opal prairie quartz river'.split(
    ' ',
  )

/** Text that careless code breaks on; no U+0000, which PostgreSQL's text cannot hold. */
const awkwardTexts = [
  '',
  ' ',
  'null',
  '\\N',
  'tab\there',
  'line\nbreak',
  'carriage\r\nreturn',
  'back\\slash',
  'trailing\\',
  `it's "quoted" \`so\``,
  'a,b;c|d',
  '%s $1 ? :name',
  'Größe, naïve, Ελλάδα',
  '日本語 한국어',
  'العربية',
  '🎉🚀',
  '👩‍👩‍👧‍👦 family',
  'e\u0301 combining',
  '\u00a0no-break',
  '\u0001\u001f\u007f',
  '{"json": [1, 2]}',
  '0012',
]

const intEdges = [0, -1, 1, 2 ** 31 - 1, -(2 ** 31)]
const longEdges = [0, -1, 2 ** 53 - 1, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)]
const doubleEdges = [0, -0, 1e-300, -1e300, 0.1 + 0.2, 1 / 3, 2 ** 53, 1e21]
const floatEdges = [0, -0, 1.5, -(2 ** 100), 2 ** -100, 16_777_216]

/** Days of 1970-01-01 and 2100-12-31. */
const lastDay = 47_846

/** Generator of a schema that holds no other schema. */
export function scalarGenerator(schema: AvroPrimitive | AvroEnum | AvroFixed): Generate {
  switch (schema.type) {
    case 'null':
      return () => null
    case 'boolean':
      return (random) => random.bits() < 0
    case 'int':
    case 'long':
      return schema.logical === undefined ? integers(schema.type) : temporal(schema.logical)
    case 'float':
      return edged(floatEdges, (random) => Math.fround(random.between(-1e6, 1e6) / 64))
    case 'double':
      return edged(doubleEdges, (random) => random.between(-1e9, 1e9) / 1000)
    case 'string':
      return schema.logical?.name === 'uuid' ? uuid : text
    case 'bytes':
      return schema.logical?.name === 'decimal'
        ? decimals(schema.logical)
        : (random) => random.bytes(random.below(24)).toString('base64')
    case 'fixed':
      if (schema.logical?.name === 'decimal') return decimals(schema.logical)
      if (schema.logical?.name === 'uuid') return uuid
      return (random) => random.bytes(schema.size).toString('base64')
    case 'enum':
      return (random) => random.pick(schema.symbols)
  }
}

function edged(edges: readonly unknown[], usual: Generate): Generate {
  return (random) => (random.below(edgeEvery) === 0 ? random.pick(edges) : usual(random))
}

function integers(type: 'int' | 'long'): Generate {
  if (type === 'int') return edged(intEdges, (random) => random.between(-1000, 1_000_000))
  return edged(longEdges, (random) => random.between(-1_000_000, 10_000_000_000))
}

const text: Generate = (random) => {
  const sort = random.below(20)
  if (sort === 0) return random.pick(awkwardTexts)
  if (sort === 1) return Array.from({ length: random.between(5, 40) }, () => random.pick(words)).join(' ')
  return `${random.pick(words)}-${random.below(100_000)}`
}

/** Version 4 (RFC 9562), from the record's own random numbers. */
const uuid: Generate = (random) => uuidText(random.bytes(16))

export function uuidText(bytes: Buffer): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function decimals({ precision, scale }: { precision: number; scale: number }): Generate {
  const most = 10n ** BigInt(precision) - 1n
  const edges = [0n, most, -most, most > 1n ? 1n : 0n].map((unscaled) => decimalText(unscaled, scale))
  const usual = 10 ** Math.min(precision, 12) - 1
  return edged(edges, (random) => decimalText(random.between(-usual, usual), scale))
}

function temporal(logical: LogicalType): Generate {
  switch (logical.name) {
    case 'date':
      return (random) => dateText(random.below(lastDay + 1))
    case 'time-millis':
      return (random) => timeText(random.below(86_400_000), 3)
    case 'time-micros':
      return (random) => timeText(random.below(86_400_000_000), 6)
    default:
      return timestamps(logical.name)
  }
}

function timestamps(name: string): Generate {
  const places = name.endsWith('-millis') ? 3 : name.endsWith('-micros') ? 6 : 9
  const zoned = !name.startsWith('local-')
  return (random) => {
    const unitsADay = 86_400 * 10 ** places
    const days = random.below(lastDay + 1)
    const time = random.below(unitsADay)
    const units = days * unitsADay + time
    const exact = Number.isSafeInteger(units) ? units : BigInt(days) * BigInt(unitsADay) + BigInt(time)
    return timestampText(exact, places, zoned)
  }
}
