import { basename } from 'node:path'

/** Where a sample stands. */
export interface Place {
  readonly where: string
  /** 1-based line on which the sample begins. */
  readonly line: number
  /** 1-based number of the sample in its file. */
  readonly record: number
}

/** A value that mattered for the choice of a type. */
export interface Sighting {
  /** The value's text, shortened. */
  readonly value: string
  readonly place: Place
}

/** Counts values of one sort and remembers the first. */
export class Tally {
  count = 0
  first: Sighting | undefined

  see(value: string, place: Place): void {
    if (this.count++ === 0) this.first = { value: shortened(value), place }
  }

  /** The same for a text that is shown in quotes. */
  seeText(text: string, place: Place): void {
    if (this.count++ === 0) this.first = { value: shortened(JSON.stringify(text.slice(0, 60))), place }
  }

  merge(other: Tally): void {
    this.count += other.count
    if (other.first && (!this.first || isBefore(other.first.place, this.first.place)))
      this.first = other.first
  }
}

function shortened(value: string): string {
  return value.length > 40 ? `${value.slice(0, 39)}…` : value
}

function isBefore(a: Place, b: Place): boolean {
  return a.where === b.where ? a.record < b.record : a.where < b.where
}

/** `"abc" (movies.json:14)` */
export function sightingText(tally: Tally): string {
  if (!tally.first) return ''
  const { value, place } = tally.first
  return `${value} (${basename(place.where)}:${place.line})`
}
