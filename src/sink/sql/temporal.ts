const secondMicros = 1_000_000n
const dayMicros = 86_400n * secondMicros

export interface CivilDate {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  readonly month: number
  readonly day: number
}

/**
 * Days since 1970-01-01 → proleptic Gregorian date, for any 32-bit day number.
 * Method: eras of 400 years, March-based years. https://howardhinnant.github.io/date_algorithms.html#civil_from_days
 */
export function civilDate(days: number): CivilDate {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  }
}

/** Microseconds since the epoch → day number and microseconds of that day. */
export function splitMicros(micros: bigint): { days: number; ofDay: bigint } {
  const ofDay = ((micros % dayMicros) + dayMicros) % dayMicros
  return { days: Number((micros - ofDay) / dayMicros), ofDay }
}

/** `HH:MM:SS.ffffff` */
export function timeText(ofDay: bigint): string {
  const seconds = Number(ofDay / secondMicros)
  const fraction = Number(ofDay % secondMicros)
  const two = (n: number): string => n.toString().padStart(2, '0')
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${clock}.${fraction.toString().padStart(6, '0')}`
}

/** `YYYY-MM-DD`, the year as given (at least four digits). */
export function dateText(date: CivilDate): string {
  const two = (n: number): string => n.toString().padStart(2, '0')
  return `${date.year.toString().padStart(4, '0')}-${two(date.month)}-${two(date.day)}`
}
