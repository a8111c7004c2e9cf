import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultKind } from '../../../src/chaos/fault.ts'
import { type SinkResult, summarizeKinds, verdictOf } from '../../../src/chaos/report.ts'

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

/** A sink that neither verify-offsets nor the audit has anything but notes on. */
const sink = (totals: { inLog: bigint; rows: bigint; deadLettered: bigint; replayed?: bigint }) =>
  ({
    sink: 'postgres',
    audit: { verdict: 'ok', totals: { replayed: 0n, ...totals } },
    offsets: { verdict: 'ok' },
  }) as unknown as SinkResult

const hit = { struck: true }

test('a run in which no fault hit anything has tested nothing', () => {
  const good = sink({ inLog: 9n, rows: 9n, deadLettered: 0n })
  assert.equal(verdictOf([good], undefined, [{ struck: false }]), 'untested')
})

test('a run is well when every record of the log is a row', () => {
  assert.equal(verdictOf([sink({ inLog: 9n, rows: 9n, deadLettered: 0n })], undefined, [hit]), 'ok')
})

test('good records that became dead letters, or were passed by at the beginning, fail a run', () => {
  assert.equal(verdictOf([sink({ inLog: 9n, rows: 8n, deadLettered: 1n })], undefined, [hit]), 'failed')
  assert.equal(verdictOf([sink({ inLog: 9n, rows: 8n, deadLettered: 0n })], undefined, [hit]), 'failed')
})
