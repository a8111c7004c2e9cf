import { InputError } from '../../errors.ts'
import type { NumberShape } from './number-shape.ts'
import { sightingText, type Tally } from './sighting.ts'
import type { StringShape } from './string-shape.ts'

/** An Avro type as it is written in a schema file. */
export type AvroJson = string | { readonly [key: string]: unknown } | readonly AvroJson[]

/** A type, and what in the samples made it that. */
export interface Choice {
  readonly avro: AvroJson
  readonly text: string
  readonly why: readonly string[]
}

/** The largest DECIMAL that MySQL and MariaDB have; PostgreSQL's is larger. */
const maxPrecision = 65
const maxScale = 30
/** Digits before the point that `decimal` leaves for numbers larger than the samples. */
const spareDigits = 4
const minPrecision = 18

export function chooseNumber(numbers: NumberShape, decimals: boolean): Choice {
  const { integers, fractions, beyondInt, beyondLong, beyondDouble } = numbers
  if (fractions.count === 0) {
    if (beyondLong.count > 0) return decimal(numbers, [`beyond 64 bits: ${sightingText(beyondLong)}`])
    if (beyondInt.count > 0) return plain('long', [`beyond 32 bits: ${sightingText(beyondInt)}`])
    return plain('int', [])
  }
  const why = [`a fraction or exponent: ${sightingText(fractions)}`]
  if (decimals) return decimal(numbers, [...why, 'decimals were asked for'])
  if (beyondDouble.count > 0) {
    return decimal(numbers, [...why, `a double would change ${sightingText(beyondDouble)}`])
  }
  if (integers.count > 0) why.push(`integers among ${numbers.count} numbers: ${integers.count}`)
  return plain('double', why)
}

function decimal({ integerDigits, scale }: NumberShape, why: string[]): Choice {
  const needed = integerDigits + scale
  const size = `${integerDigits} digits before and ${scale} after the point`
  if (needed > maxPrecision || scale > maxScale) {
    return plain('string', [
      ...why,
      `${size}: more than decimal(${maxPrecision},${maxScale}) holds, so the numbers are kept as their text`,
    ])
  }
  const precision = Math.min(maxPrecision, Math.max(minPrecision, needed + spareDigits))
  return {
    avro: { type: 'bytes', logicalType: 'decimal', precision, scale },
    text: `decimal(${precision},${scale})`,
    why: [...why, size],
  }
}

export function chooseString(strings: StringShape, plainStrings: boolean): Choice {
  if (plainStrings) return plain('string', [])
  const { zoned, local, date, uuid, nanos, plain: free, fractionDigits } = strings
  const formats = [
    { tally: zoned, label: 'timestamp with zone' },
    { tally: local, label: 'timestamp without zone' },
    { tally: date, label: 'date' },
    { tally: uuid, label: 'uuid' },
  ].filter(({ tally }) => tally.count > 0)
  const [only] = formats
  if (free.count > 0) {
    const first = formats.map(({ label, tally }) => `first looked like a ${label}: ${sightingText(tally)}`)
    return plain('string', first.length > 0 ? [...first, `then came ${sightingText(free)}`] : [])
  }
  if (!only) return plain('string', [])
  if (formats.length > 1) {
    return plain('string', [
      `formats differ: ${formats.map(({ label, tally }) => `${label} ${sightingText(tally)}`).join(', ')}`,
    ])
  }
  if (nanos.count > 0) return plain('string', [`finer than a microsecond: ${sightingText(nanos)}`])
  const unit = fractionDigits > 3 ? 'micros' : 'millis'
  const digits = fractionDigits > 0 ? [`up to ${fractionDigits} digits of a second`] : []
  if (only.tally === zoned) return logical('long', `timestamp-${unit}`, ['ISO 8601 with zone', ...digits])
  if (only.tally === local) {
    return logical('long', `local-timestamp-${unit}`, ['ISO 8601 without zone', ...digits])
  }
  if (only.tally === date) return logical('int', 'date', ['every value is an ISO 8601 date'])
  return logical('string', 'uuid', ['every value is a uuid in lower case'])
}

/** Bytes, because the user says that the text is base64. Throws InputError when a sample is not. */
export function chooseBase64(strings: StringShape, others: readonly Tally[], path: string): Choice {
  const bad = [strings.notBase64, ...others].find((tally) => tally.count > 0)
  if (bad?.first) {
    throw new InputError(`${path} is not base64 in every sample`, {
      where: `${bad.first.place.where}:${bad.first.place.line}`,
      cause: new Error(`found ${bad.first.value}`),
      next: `leave out --base64 ${path}`,
    })
  }
  return plain('bytes', ['base64 was asked for'])
}

interface Kind {
  readonly label: string
  readonly tally: Tally
}

/** Scalars of several kinds become text: a number or boolean is written as its JSON text, which reads back the same. */
export function chooseMixedScalars(kinds: readonly Kind[]): Choice {
  return plain('string', [`mixed: ${seenText(kinds)}`, 'numbers and booleans are kept as their JSON text'])
}

/** Objects or arrays mixed with other kinds: a union, which a table keeps as JSON. */
export function chooseUnion(kinds: readonly Kind[], choices: readonly Choice[]): Choice {
  // Numbers that only text holds and texts are one branch.
  const branches = choices.filter(({ avro }, i) => choices.findIndex((other) => other.avro === avro) === i)
  return {
    avro: branches.map(({ avro }) => avro),
    text: branches.map(({ text }) => text).join(' | '),
    why: [`mixed: ${seenText(kinds)}`, ...branches.flatMap(({ why }) => why)],
  }
}

function seenText(kinds: readonly Kind[]): string {
  return kinds.map(({ label, tally }) => `${tally.count} ${label}, first ${sightingText(tally)}`).join('; ')
}

export function plain(name: string, why: readonly string[]): Choice {
  return { avro: name, text: name, why }
}

function logical(type: string, logicalType: string, why: readonly string[]): Choice {
  return { avro: { type, logicalType }, text: logicalType, why }
}
