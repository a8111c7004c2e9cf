/** Dates and times as canonical text (see sink/snapshot.ts) and in ISO 8601, by JavaScript's own calendar. */

/** Days of 400 years, after which the calendar repeats itself. */
const eraDays = 146_097
const dayMillis = 86_400_000

interface Day {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  /** `-MM-DD` */
  readonly rest: string
}

/** Any number of days since 1970-01-01; Date alone ends at the year 275760. */
function dayOf(days: number): Day {
  const era = Math.floor(days / eraDays)
  const date = new Date((days - era * eraDays) * dayMillis)
  const two = (n: number) => String(n).padStart(2, '0')
  return {
    year: date.getUTCFullYear() + era * 400,
    rest: `-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`,
  }
}

/** `2024-01-31`; the year 0 is `0001 BC`. */
export function dateText(days: number): string {
  return withEra(dayOf(days), '')
}

/** `01:02:03.5` of microseconds since midnight. */
export function timeText(micros: bigint): string {
  // There is always a point, so that only zeros of the fraction are cut.
  return clock(micros, 6).replace(/\.?0+$/, '')
}

/** `2024-01-31 01:02:03.5` of microseconds since the epoch. */
export function timestampText(micros: bigint): string {
  const [days, ofDay] = split(micros, 6)
  return withEra(dayOf(days), ` ${timeText(ofDay)}`)
}

/** `2024-01-31`, or with a sign and six digits for years beyond 0000 to 9999. */
export function isoDate(days: number): string {
  const { year, rest } = dayOf(days)
  if (year >= 0 && year <= 9999) return `${String(year).padStart(4, '0')}${rest}`
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}${rest}`
}

/** `01:02:03`, and the fraction in groups of three digits where it is not 0; `time` counts 10^-places seconds. */
export function isoTime(time: bigint, places: number): string {
  return clock(time, places).replace(/(\.(?:\d{3})*?)(?:000)*$/, (_, kept: string) =>
    kept === '.' ? '' : kept,
  )
}

/** `2024-01-31T01:02:03.500Z` of 10^-places seconds since the epoch. */
export function isoTimestamp(value: bigint, places: number, zoned: boolean): string {
  const [days, ofDay] = split(value, places)
  return `${isoDate(days)}T${isoTime(ofDay, places)}${zoned ? 'Z' : ''}`
}

/** `01:02:03.000000` with all places. */
function clock(time: bigint, places: number): string {
  const second = 10n ** BigInt(places)
  const seconds = Number(time / second)
  const two = (n: number) => String(n).padStart(2, '0')
  const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${whole}.${String(time % second).padStart(places, '0')}`
}

/** Whole days, rounded down, and what is left of the day. */
function split(value: bigint, places: number): [days: number, ofDay: bigint] {
  const day = 86_400n * 10n ** BigInt(places)
  const ofDay = ((value % day) + day) % day
  return [Number((value - ofDay) / day), ofDay]
}

function withEra({ year, rest }: Day, time: string): string {
  const text = (n: number) => String(n).padStart(4, '0')
  return year > 0 ? `${text(year)}${rest}${time}` : `${text(1 - year)}${rest}${time} BC`
}
