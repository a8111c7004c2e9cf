import type { LaneProgress } from '../../../src/engine/consume/job.ts'

/** A lane that has read ten records and runs. */
export const lane = (change: Partial<LaneProgress>): LaneProgress => ({
  partition: 0,
  epoch: 1n,
  state: 'running',
  offset: 10n,
  highWatermark: 12n,
  read: 10,
  written: 9,
  filtered: 0,
  deadLettered: 1,
  commits: 2,
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
