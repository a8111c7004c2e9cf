import type { CivilDate } from '../../schema/civil-date.ts'

const secondMicros = 1_000_000n
const dayMicros = 86_400n * secondMicros

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
