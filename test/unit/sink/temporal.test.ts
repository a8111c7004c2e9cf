import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { civilDate } from '../../../src/schema/civil-date.ts'
import { dateText, splitMicros, timeText } from '../../../src/sink/sql/temporal.ts'

// JavaScript's own calendar covers ±100,000,000 days.
const jsDays = fc.integer({ min: -100_000_000, max: 100_000_000 })

describe('temporal', () => {
  it('agrees with the calendar of JavaScript', () => {
    fc.assert(
      fc.property(jsDays, (days) => {
        const date = new Date(days * 86_400_000)
        assert.deepEqual(civilDate(days), {
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        })
      }),
      { numRuns: 2000 },
    )
  })

  it('splits microseconds, before the epoch too, without losing one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (micros) => {
        const { days, ofDay } = splitMicros(micros)
        assert(ofDay >= 0n && ofDay < 86_400_000_000n)
        assert.equal(BigInt(days) * 86_400_000_000n + ofDay, micros)
      }),
    )
  })

  it('writes fixed-width text', () => {
    assert.equal(timeText(0n), '00:00:00.000000')
    assert.equal(timeText(86_399_999_999n), '23:59:59.999999')
    assert.equal(dateText({ year: 7, month: 1, day: 2 }), '0007-01-02')
    assert.equal(dateText({ year: 12_345, month: 11, day: 30 }), '12345-11-30')
  })
})
