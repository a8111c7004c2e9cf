import { civilDate } from '../civil-date.ts'
import { Misfit, shown } from './errors.ts'

/**
 * Dates and times between ISO 8601 text and Avro's integers, without Date, whose milliseconds would cut microseconds.
 * Days are of the proleptic Gregorian calendar, as in Java's java.time. There are no leap seconds.
 */

/** Digits after the second's point that the type holds. */
export type FractionDigits = 3 | 6 | 9

const secondsADay = 86_400
const datePattern = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)$/
const timePattern = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?$/
const timestampPattern =
  /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$/

/** Days from 1970-01-01 to a date. Throws Misfit for a day that the calendar does not have. */
function daysOf(text: string, year: number, month: number, day: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  if (day < 1 || day > (lengths[month - 1] ?? 0))
    throw new Misfit(`${shown(text)} is not a day of the calendar`)
  return daysFromCivil(year, month, day)
}

/** http://howardhinnant.github.io/date_algorithms.html#days_from_civil */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  )
}

function secondsOfDay(text: string, hour: string, minute: string, second = '00'): number {
  if (hour > '23' || minute > '59' || second > '59') throw new Misfit(`${shown(text)} is not a time of day`)
  return Number(hour) * 3600 + Number(minute) * 60 + Number(second)
}

/** `digits` after the point as units of 10^-places seconds. Throws Misfit when that would cut a digit. */
function fractionOf(text: string, digits: string, places: FractionDigits): number {
  const significant = digits.replace(/0+$/, '')
  if (significant.length > places) {
    throw new Misfit(
      `${shown(text)} has ${significant.length} digits of a second where the schema holds ${places}`,
    )
  }
  return Number(significant.padEnd(places, '0'))
}

/** Days since 1970-01-01 of `YYYY-MM-DD`. */
export function parseDate(text: string): number {
  const match = datePattern.exec(text)
  if (match === null) throw new Misfit(`${shown(text)} is not a date (YYYY-MM-DD)`)
  return daysOf(text, Number(match[1]), Number(match[2]), Number(match[3]))
}

/** Units of 10^-places seconds since midnight of `HH:MM[:SS[.fraction]]`. */
export function parseTime(text: string, places: FractionDigits): number {
  const match = timePattern.exec(text)
  if (match === null) throw new Misfit(`${shown(text)} is not a time of day (HH:MM:SS)`)
  const seconds = secondsOfDay(text, match[1] as string, match[2] as string, match[3])
  return seconds * 10 ** places + fractionOf(text, match[4] ?? '', places)
}

/**
 * Units of 10^-places seconds since 1970-01-01T00:00 of an ISO 8601 timestamp: a number when that is exact, otherwise a bigint.
 * `zoned` text must say its zone (`Z`, `+02:00`), local text must not: which instant is meant is never guessed.
 */
export function parseTimestamp(text: string, places: FractionDigits, zoned: boolean): number | bigint {
  const match = timestampPattern.exec(text)
  if (match === null) throw new Misfit(`${shown(text)} is not an ISO 8601 timestamp`)
  const zone = match[8]
  if (zoned && zone === undefined) throw new Misfit(`${shown(text)} has no zone (such as Z or +02:00)`)
  if (!zoned && zone !== undefined) throw new Misfit(`${shown(text)} has a zone where the schema says local`)
  const days = daysOf(text, Number(match[1]), Number(match[2]), Number(match[3]))
  const time = secondsOfDay(text, match[4] as string, match[5] as string, match[6])
  const seconds = days * secondsADay + time - offsetSeconds(text, zone)
  const fraction = fractionOf(text, match[7] ?? '', places)
  const units = seconds * 10 ** places + fraction
  return Number.isSafeInteger(units) ? units : BigInt(seconds) * 10n ** BigInt(places) + BigInt(fraction)
}

function offsetSeconds(text: string, zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const seconds = secondsOfDay(text, zone.slice(1, 3), zone.slice(3).replace(':', '') || '00')
  return zone.startsWith('-') ? -seconds : seconds
}

/** `YYYY-MM-DD`; years beyond 0000-9999 with a sign and six digits, as in ISO 8601's expanded form. */
export function dateText(days: number): string {
  const { year, month, day } = civilDate(days)
  const plain = year >= 0 && year <= 9999
  const yearText = plain
    ? String(year).padStart(4, '0')
    : `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
  return `${yearText}-${two(month)}-${two(day)}`
}

/** `HH:MM:SS`, and the fraction in groups of three digits where it is not 0. `time` is in units of 10^-places seconds. */
export function timeText(time: number, places: FractionDigits): string {
  const unit = 10 ** places
  const fraction = time % unit
  const seconds = (time - fraction) / unit
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return fraction === 0 ? clock : `${clock}.${fractionText(fraction, places)}`
}

/** ISO 8601 of units of 10^-places seconds since 1970-01-01T00:00, with Z when `zoned`. */
export function timestampText(value: number | bigint, places: FractionDigits, zoned: boolean): string {
  const [days, time] = splitDays(value, 10 ** places)
  return `${dateText(days)}T${timeText(time, places)}${zoned ? 'Z' : ''}`
}

/** Whole days, rounded down, and the units within the day. */
function splitDays(value: number | bigint, unitsASecond: number): [days: number, time: number] {
  const unitsADay = secondsADay * unitsASecond
  if (typeof value === 'number') {
    const rest = value % unitsADay
    const time = rest < 0 ? rest + unitsADay : rest
    return [(value - time) / unitsADay, time]
  }
  const rest = Number(value % BigInt(unitsADay))
  const time = rest < 0 ? rest + unitsADay : rest
  return [Number((value - BigInt(time)) / BigInt(unitsADay)), time]
}

function fractionText(fraction: number, places: FractionDigits): string {
  let text = String(fraction).padStart(places, '0')
  while (text.endsWith('000')) text = text.slice(0, -3)
  return text
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
