import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compareProduced } from '../../../src/chaos/produced.ts'

const trickle = { committed: new Set(['t-0', 't-2']), unknown: new Set(['t-3', 't-4']), aborted: 1 }
const compare = (counts: Record<string, number>) =>
  compareProduced(new Map(Object.entries(counts)), 2, 3, trickle)
const whole = { 0: 2, 1: 2, 2: 2, 't-0': 1, 't-2': 1, 't-3': 1 }

suite('what the log holds of what was produced', () => {
  test('each number once a round, each acknowledged key once, an unanswered one once or not at all', () => {
    const check = compare(whole)
    const { promised, inLog, lost, doubled, leaked } = check
    assert.deepEqual(
      { promised, inLog, lost, doubled, leaked },
      { promised: 8, inLog: 9, lost: 0, doubled: 0, leaked: 0 },
    )
  })

  test('finds what is missing, of rounds and of acknowledged transactions', () => {
    assert.equal(compare({ ...whole, 1: 1 }).lost, 1)
    assert.equal(compare({ ...whole, 2: 0 }).lost, 2)
    const { 't-2': _, ...rest } = whole
    assert.equal(compare(rest).lost, 1)
  })

  test('finds what is there too often, or was never sent', () => {
    assert.equal(compare({ ...whole, 0: 4 }).doubled, 2)
    assert.equal(compare({ ...whole, 't-3': 2 }).doubled, 1)
    assert.equal(compare({ ...whole, 3: 1, other: 1 }).doubled, 2)
  })

  test('finds records of aborted transactions', () => {
    const { leaked, doubled } = compare({ ...whole, 'aborted-1': 1 })
    assert.deepEqual([leaked, doubled], [1, 0])
  })
})
