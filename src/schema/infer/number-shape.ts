import { type Place, Tally } from './sighting.ts'

/** Every double gives back 15 digits with an exponent of two digits. */
const farExponent = /[eE][+-]?\d{3}/

/** What is known of the numbers seen at one place. */
export class NumberShape {
  readonly integers = new Tally()
  /** Written with a fraction or an exponent: 1.0 and 1e3 are of them. */
  readonly fractions = new Tally()
  /** Integers beyond 32 and beyond 64 bits. */
  readonly beyondInt = new Tally()
  readonly beyondLong = new Tally()
  /** Numbers that a double does not give back as they were written. */
  readonly beyondDouble = new Tally()
  /** Digits before and after the decimal point that hold every number. */
  integerDigits = 0
  scale = 0

  get count(): number {
    return this.integers.count + this.fractions.count
  }

  see(text: string, place: Place): void {
    if (/[.eE]/.test(text)) {
      this.fractions.see(text, place)
      this.measure(text)
      if ((text.length > 16 || farExponent.test(text)) && !survivesDouble(text))
        this.beyondDouble.see(text, place)
    } else {
      this.integers.see(text, place)
      const digits = text[0] === '-' ? text.length - 1 : text.length
      if (digits > this.integerDigits) this.integerDigits = digits
      if (digits > 9) this.seeLarge(text, place)
    }
  }

  merge(other: NumberShape): void {
    this.integers.merge(other.integers)
    this.fractions.merge(other.fractions)
    this.beyondInt.merge(other.beyondInt)
    this.beyondLong.merge(other.beyondLong)
    this.beyondDouble.merge(other.beyondDouble)
    this.integerDigits = Math.max(this.integerDigits, other.integerDigits)
    this.scale = Math.max(this.scale, other.scale)
  }

  private seeLarge(text: string, place: Place): void {
    const value = BigInt(text)
    if (BigInt.asIntN(32, value) !== value) this.beyondInt.see(text, place)
    if (BigInt.asIntN(64, value) !== value) this.beyondLong.see(text, place)
    const double = Number(text)
    if (!Number.isFinite(double) || BigInt(double) !== value) this.beyondDouble.see(text, place)
  }

  private measure(text: string): void {
    const { integer, fraction, exponent } = partsOf(text)
    this.scale = Math.max(this.scale, fraction.length - exponent)
    this.integerDigits = Math.max(this.integerDigits, 1, integer.length + exponent)
  }
}

/** -12.50e3 → integer "12", fraction "50", exponent 3. */
function partsOf(text: string): { integer: string; fraction: string; exponent: number } {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  return { integer: match?.[1] ?? '', fraction: match?.[2] ?? '', exponent: Number(match?.[3] ?? 0) }
}

/** True when the shortest text of the double nearest to `text` is the same number. */
function survivesDouble(text: string): boolean {
  const double = Number(text)
  return Number.isFinite(double) && normalized(text) === normalized(String(double))
}

/** Significant digits and exponent; equal for equal absolute values. */
function normalized(text: string): string {
  const { integer, fraction, exponent } = partsOf(text)
  const digits = (integer + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${significant}e${exponent - fraction.length + digits.length - significant.length}`
}
