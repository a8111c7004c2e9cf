import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consumeProgress } from '../../../src/cli/consume-output.ts'
import type { LaneProgress } from '../../../src/engine/consume/job.ts'
import { summarize } from '../../../src/engine/consume/totals.ts'
import { lane } from '../engine/lane-progress.ts'

test('a fence is told once, also when a rebalance hid it', () => {
  const written: string[] = []
  const line = consumeProgress({ isTTY: false, write: (text: string) => written.push(text) })
  const fenced = {
    code: 'fenced',
    exitCode: 7,
    message: 'another owner',
    causes: [],
  } as unknown as LaneProgress['error']
  line.update(summarize([lane({ partition: 1 })]))
  line.update(summarize([lane({ partition: 1, state: 'released', fenced: 1 })]))
  line.update(summarize([lane({ partition: 1, state: 'released', fenced: 1 })]))
  line.update(summarize([lane({ partition: 1, state: 'fenced', fenced: 2, error: fenced })]))
  line.update(summarize([lane({ partition: 1, state: 'released', fenced: 2 })]))
  const told = written.join('').match(/partition 1 (was taken|fenced)/g)
  assert.deepEqual(told, ['partition 1 was taken', 'partition 1 fenced'])
})
