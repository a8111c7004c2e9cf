import assert from 'node:assert/strict'
import { it } from 'node:test'
import { newBudget, sharedBudget } from '../../../src/engine/consume/budget.ts'

it('a budget grants no more than it holds, over all of its users', () => {
  const buffer = newBudget(10)
  const [a, b] = [sharedBudget(buffer), sharedBudget(buffer)]
  assert.equal(a.take(6), 6)
  assert.equal(b.take(6), 4)
  assert.equal(a.take(1), 0)
  b.giveBack(3)
  assert.equal(a.take(5), 3)
})

it('without a limit every wish is granted', () => {
  const budget = sharedBudget(undefined)
  assert.equal(budget.take(1_000_000), 1_000_000)
})
