import { stringFormat } from './iso-time.ts'
import { type Place, Tally } from './sighting.ts'

/** What is known of the strings seen at one place. */
export class StringShape {
  readonly all = new Tally()
  readonly zoned = new Tally()
  readonly local = new Tally()
  readonly date = new Tally()
  readonly uuid = new Tally()
  /** Timestamps finer than microseconds; they stay strings. */
  readonly nanos = new Tally()
  /** Strings of none of these formats. After the first, formats are no longer looked at. */
  readonly plain = new Tally()
  readonly notBase64 = new Tally()
  /** Most digits of a fraction of a second. */
  fractionDigits = 0

  get count(): number {
    return this.all.count
  }

  see(text: string, place: Place): void {
    this.all.seeText(text, place)
    if (this.notBase64.count === 0 && !isBase64(text)) this.notBase64.seeText(text, place)
    if (this.plain.count > 0) return
    this.seeFormat(text, place)
  }

  private seeFormat(text: string, place: Place): void {
    const format = stringFormat(text)
    if (format?.name !== 'timestamp') {
      this[format?.name ?? 'plain'].seeText(text, place)
      return
    }
    if (format.digits > 6) this.nanos.seeText(text, place)
    this.fractionDigits = Math.max(this.fractionDigits, format.digits)
    this[format.zoned ? 'zoned' : 'local'].seeText(text, place)
  }

  merge(other: StringShape): void {
    this.all.merge(other.all)
    this.zoned.merge(other.zoned)
    this.local.merge(other.local)
    this.date.merge(other.date)
    this.uuid.merge(other.uuid)
    this.nanos.merge(other.nanos)
    this.plain.merge(other.plain)
    this.notBase64.merge(other.notBase64)
    this.fractionDigits = Math.max(this.fractionDigits, other.fractionDigits)
  }
}

/** Standard alphabet with padding, and nothing lost in its last bits: decoding and encoding gives the same text. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false
  return Buffer.from(text, 'base64').toString('base64') === text
}
