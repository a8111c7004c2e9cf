import { Misfit, shown } from './errors.ts'

/**
 * Avro's decimal: an unscaled integer as two's complement, most significant byte first.
 * https://avro.apache.org/docs/1.12.0/specification/#decimal
 */

const numberText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/**
 * The unscaled integer of a number's text, exactly: `1.5` at scale 2 is 150n. Zeros beyond the scale are no digits.
 * Throws Misfit for text that is no number and for digits that precision and scale do not hold.
 */
export function unscaledOf(text: string, precision: number, scale: number): bigint {
  const match = numberText.exec(text)
  if (match === null) throw new Misfit(`${shown(text)} is not a decimal number`)
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') throw new Misfit(`${shown(text)} is not a decimal number`)
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return 0n
  // value = significant * 10^power; checked before any digit is added, so that 1e999999999 costs nothing.
  const power = Number(exponent) - fraction.length + digits.length - significant.length
  if (-power > scale)
    throw new Misfit(`${shown(text)} has ${-power} decimal places where the schema says ${scale}`)
  if (significant.length + power > precision - scale) {
    throw new Misfit(
      `${shown(text)} has ${significant.length + power} digits before the point where the schema holds ${precision - scale}`,
    )
  }
  const unscaled = BigInt(significant + '0'.repeat(power + scale))
  return sign === '-' ? -unscaled : unscaled
}

/** Plain notation with exactly `scale` decimal places: 150n at scale 2 is `1.50`. */
export function decimalText(unscaled: bigint | number, scale: number): string {
  if (scale === 0) return String(unscaled)
  const negative = unscaled < 0
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** The shortest two's complement of the integer; with `size`, extended to that many bytes. Throws Misfit when it is longer. */
export function twosComplement(value: bigint, size?: number): Buffer {
  let width = 1
  while (BigInt.asIntN(width * 8, value) !== value) width++
  if (size !== undefined) {
    if (width > size)
      throw new Misfit(`the decimal needs ${width} bytes where the schema's fixed has ${size}`)
    width = size
  }
  const bytes = Buffer.allocUnsafe(width)
  let rest = BigInt.asUintN(width * 8, value)
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The integer of two's complement bytes: a number when they are few, otherwise a bigint. No bytes are 0. */
function integerOf(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0
  if (bytes.length <= 6) return bytes.readIntBE(0, bytes.length)
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

/** Bytes without those in front that only repeat the sign. */
function significantBytes(bytes: Buffer): number {
  const sign = (bytes[0] ?? 0) < 0x80 ? 0 : 0xff
  let at = 0
  while (bytes[at] === sign) at++
  return bytes.length - at
}

/** Digits of more than any database has columns for: turning bytes into digits takes more than linear time. */
const maxDigits = 100_000
/** log10(256), a little less. */
const digitsPerByte = 2.408

/** Decimal text of two's complement bytes. Throws Misfit when the digits are more than the precision. */
export function decimalOf(bytes: Buffer, precision: number, scale: number): string {
  if (scale > maxDigits) throw new Misfit(`a decimal of ${scale} decimal places`)
  const most = Math.min(precision, maxDigits)
  const atLeast = (significantBytes(bytes) - 2) * digitsPerByte
  if (atLeast > most)
    throw new Misfit(`a decimal of ${Math.floor(atLeast)} digits or more, and ${most} are held`)
  const unscaled = integerOf(bytes)
  const digits = String(unscaled).length - (unscaled < 0 ? 1 : 0)
  if (digits > precision)
    throw new Misfit(`a decimal of ${digits} digits where the schema says precision ${precision}`)
  return decimalText(unscaled, scale)
}
