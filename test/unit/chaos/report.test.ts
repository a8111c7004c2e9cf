import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultKind } from '../../../src/chaos/fault.ts'
import { summarizeKinds } from '../../../src/chaos/report.ts'

const outcome = (kind: FaultKind, recovery: number | undefined, struck = true) => ({
  fault: { number: 1, at: 0, kind, target: 'kafka', lasts: 0, amount: 0 },
  began: 0,
  lasted: 0,
  struck,
  recovery,
})

test('faults by kind: the most frequent first, with median and longest recovery', () => {
  const kinds = summarizeKinds([
    outcome('link-cut', 400),
    outcome('commit-late', undefined),
    outcome('link-cut', 100),
    outcome('link-cut', undefined, false),
    outcome('link-cut', 200),
    outcome('link-cut', 1_000),
  ])
  assert.deepEqual(kinds, [
    { kind: 'link-cut', faults: 5, missed: 1, recoveryMedian: 300, recoveryMax: 1_000 },
    { kind: 'commit-late', faults: 1, missed: 0, recoveryMedian: undefined, recoveryMax: undefined },
  ])
})
