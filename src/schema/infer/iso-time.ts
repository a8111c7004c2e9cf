/** Which date, time and id formats a string is written in (ISO 8601 / RFC 3339, RFC 4122). */

export type StringFormat =
  | { readonly name: 'date' | 'uuid' }
  /** `zoned`: ends with Z or an offset. `digits`: of the fraction of a second. */
  | { readonly name: 'timestamp'; readonly zoned: boolean; readonly digits: number }

const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/
const timestampPattern =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/
/** Lower case only: a database gives uuids back in lower case. */
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The format that `text` is written in; undefined when it is none, or a date that the calendar does not have. */
export function stringFormat(text: string): StringFormat | undefined {
  // "2024-…" and uuids have a dash at index 4 or 8; nearly every other string is sorted out here.
  if (text.length < 10 || (text[4] !== '-' && text[8] !== '-')) return undefined
  if (text.length === 10) {
    const match = datePattern.exec(text)
    return match && isCalendarDate(match) ? { name: 'date' } : undefined
  }
  if (text.length === 36 && uuidPattern.test(text)) return { name: 'uuid' }
  const match = timestampPattern.exec(text)
  if (!match || !isCalendarDate(match) || !isTimeOfDay(match)) return undefined
  return { name: 'timestamp', zoned: match[8] !== undefined, digits: match[7]?.length ?? 0 }
}

function isCalendarDate([, year, month, day]: RegExpExecArray): boolean {
  const [y, m, d] = [Number(year), Number(month), Number(day)]
  return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= daysInMonth(y, m)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function isTimeOfDay(match: RegExpExecArray): boolean {
  if (Number(match[4]) > 23 || Number(match[5]) > 59 || Number(match[6] ?? 0) > 59) return false
  const zone = match[8]
  if (zone === undefined || zone === 'Z') return true
  return Number(zone.slice(1, 3)) <= 18 && Number(zone.slice(-2)) <= 59
}
