import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { summarize } from '../../../src/engine/consume/totals.ts'
import { lane } from './lane-progress.ts'

describe('summarize', () => {
  it('adds up the claims of a partition and shows the latest one', () => {
    const sum = summarize([
      lane({ epoch: 1n, state: 'released' }),
      lane({ epoch: 2n, offset: 20n, highWatermark: 25n }),
    ])
    assert.deepEqual([sum.read, sum.written, sum.deadLettered, sum.commits], [20, 18, 2, 4])
    assert.deepEqual(
      sum.lanes.map((l) => [l.state, l.offset]),
      [['running', 20n]],
    )
    assert.equal(sum.lag, 5n)
  })

  it('shows a failed claim, which has no epoch, when it came last', () => {
    const failed = lane({
      epoch: 0n,
      state: 'failed',
      offset: -1n,
      highWatermark: -1n,
      read: 0,
      changedAt: 5,
    })
    const before = lane({ epoch: 3n, state: 'released', changedAt: 4 })
    assert.equal(summarize([before, failed]).lanes[0]?.state, 'failed')
    assert.equal(summarize([failed, lane({ epoch: 4n, changedAt: 6 })]).lanes[0]?.state, 'running')
  })

  it('does not let a zombie that notices late hide the new owner', () => {
    const zombie = lane({ epoch: 1n, state: 'fenced', fenced: 1, changedAt: 9 })
    const owner = lane({ epoch: 2n, changedAt: 5 })
    const sum = summarize([owner, zombie])
    assert.deepEqual([sum.lanes[0]?.state, sum.fenced], ['running', 1])
  })
})
