import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { AssignedPartition } from '../../../src/kafka/fetch/assigned-partition.ts'
import { defaultLimits } from '../../../src/kafka/fetch/log-slice.ts'

const minutes = 60_000

suite('assigned partition', () => {
  test('counts from the first failure on, however often it is tried', (t) => {
    const { partition, tick } = setUp(t)
    assert.equal(partition.failingFor, 0)
    partition.retryLater()
    tick(minutes)
    partition.retryLater()
    tick(minutes)
    assert.equal(partition.failingFor, 2 * minutes)
  })

  test('the time in which it was paused does not count as failing', (t) => {
    const { partition, tick } = setUp(t)
    partition.retryLater()
    partition.paused = true
    tick(5 * minutes)
    partition.paused = false
    partition.retryLater()
    tick(1)
    assert.equal(partition.failingFor, 1)
  })

  test('an answer that comes after the pause does not count either', (t) => {
    const { partition, tick } = setUp(t)
    partition.paused = true
    partition.retryLater()
    tick(5 * minutes)
    assert.equal(partition.failingFor, 0)
    partition.paused = false
    partition.retryLater()
    assert.equal(partition.failingFor, 0)
  })

  test('resuming what is not paused does not forget that it fails', (t) => {
    const { partition, tick } = setUp(t)
    partition.retryLater()
    tick(minutes)
    partition.paused = false
    assert.equal(partition.failingFor, minutes)
  })
})

function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date'] })
  const partition = new AssignedPartition({ topic: 't', partition: 0 }, '', 0n, defaultLimits)
  return { partition, tick: (milliseconds: number) => t.mock.timers.tick(milliseconds) }
}
