import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consumeProgress } from '../../../src/cli/consume-output.ts'
import type { LaneProgress } from '../../../src/engine/consume/job.ts'
import { summarize } from '../../../src/engine/consume/totals.ts'

const lane = (change: Partial<LaneProgress>): LaneProgress => ({
  partition: 1,
  epoch: 1n,
  state: 'running',
  offset: 10n,
  highWatermark: 12n,
  read: 10,
  written: 10,
  filtered: 0,
  deadLettered: 0,
  commits: 1,
  recovered: 0,
  queuedRecords: 0,
  queuedBytes: 0,
  paused: false,
  waiting: undefined,
  waits: 0,
  waitedMs: 0,
  fenced: 0,
  changedAt: 1,
  error: undefined,
  ...change,
})

test('a fence is told once, also when a rebalance hid it', () => {
  const written: string[] = []
  const line = consumeProgress({ isTTY: false, write: (text: string) => written.push(text) })
  const fenced = {
    code: 'fenced',
    exitCode: 7,
    message: 'another owner',
    causes: [],
  } as unknown as LaneProgress['error']
  line.update(summarize([lane({})]))
  line.update(summarize([lane({ state: 'released', fenced: 1 })]))
  line.update(summarize([lane({ state: 'released', fenced: 1 })]))
  line.update(summarize([lane({ state: 'fenced', fenced: 2, error: fenced })]))
  line.update(summarize([lane({ state: 'released', fenced: 2 })]))
  const told = written.join('').match(/partition 1 (was taken|fenced)/g)
  assert.deepEqual(told, ['partition 1 was taken', 'partition 1 fenced'])
})
