import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgePartition, type PartitionFacts } from '../../../src/verify/judge.ts'

/** A partition on which everything fits: log [0, 12) with 10 records and 2 markers, all consumed. */
const fine: PartitionFacts = {
  topic: 't',
  group: 'g',
  partition: 0,
  logStart: 0n,
  logEnd: 12n,
  stored: { offset: 12n, epoch: 1n, owner: 'me', clusterId: 'c', topicId: 'i', updatedAt: new Date(0) },
  ledger: {
    batches: 2n,
    firstOffset: 0n,
    nextOffset: 12n,
    read: 10n,
    readSince: 10n,
    firstSince: 0n,
    written: 9n,
    filtered: 0n,
    deadLettered: 1n,
    holes: 0n,
    overlaps: 0n,
  },
  letters: { pending: 1n, stored: 0n, superseded: 0n },
  count: { records: 10n, markers: 2n, aborted: 0n },
  rows: 9n,
  mode: 'insert',
  compacted: false,
  clusterId: 'c',
  topicId: 'i',
}

const stored = fine.stored as NonNullable<PartitionFacts['stored']>
const ledger = fine.ledger as NonNullable<PartitionFacts['ledger']>
const judge = (change: Partial<PartitionFacts>) => {
  const report = judgePartition({ ...fine, ...change })
  return [report.verdict, report.findings.map((f) => f.cause).join()]
}

describe('judgePartition', () => {
  it('accepts what fits; markers are no loss; a dead letter is a note', () => {
    assert.deepEqual(judge({}), ['ok', 'dead_lettered'])
  })

  it('names lag, an unclaimed partition, and an empty one', () => {
    const lagging = {
      ledger: { ...ledger, nextOffset: 10n },
      stored: { ...stored, offset: 10n },
      count: { records: 10n, markers: 0n, aborted: 0n },
    }
    assert.deepEqual(judge(lagging), ['behind', 'behind,dead_lettered'])
    assert.deepEqual(judge({ stored: undefined, ledger: undefined }), ['behind', 'unclaimed'])
    assert.deepEqual(judge({ stored: undefined, ledger: undefined, logEnd: 0n }), ['ok', 'unclaimed'])
  })

  it('finds an offset outside the log, and says which side', () => {
    assert.deepEqual(judge({ logEnd: 5n, ledger: undefined }), ['failed', 'offset_ahead,no_ledger'])
    assert.deepEqual(judge({ logStart: 13n, logEnd: 20n, ledger: undefined }), [
      'failed',
      'expired_unread,no_ledger',
    ])
  })

  it('finds another topic or cluster under the same name; an unbound offset of an older program is fine', () => {
    assert.equal(judge({ topicId: 'other' })[1]?.split(',')[0], 'topic_recreated')
    assert.equal(judge({ clusterId: 'other' })[1]?.split(',')[0], 'cluster_changed')
    assert.equal(judge({ stored: { ...stored, clusterId: null, topicId: null } })[0], 'ok')
  })

  it('finds records of the log that were not read, and records read twice', () => {
    assert.deepEqual(judge({ count: { records: 11n, markers: 1n, aborted: 0n } }), [
      'failed',
      'dead_lettered,lost',
    ])
    assert.deepEqual(judge({ count: { records: 8n, markers: 4n, aborted: 0n } }), [
      'failed',
      'dead_lettered,doubled',
    ])
  })

  it('does not call expired or compacted records doubled', () => {
    const expired = {
      logStart: 4n,
      ledger: { ...ledger, readSince: 6n, firstSince: 4n },
      count: { records: 6n, markers: 2n, aborted: 0n },
    }
    assert.deepEqual(judge(expired), ['ok', 'dead_lettered,expired'])
    assert.deepEqual(judge({ compacted: true, count: { records: 6n, markers: 2n, aborted: 0n } }), [
      'ok',
      'dead_lettered,compacted',
    ])
  })

  it('finds a loss behind what retention removed', () => {
    const lossy = {
      logStart: 4n,
      ledger: { ...ledger, readSince: 5n, firstSince: 4n },
      count: { records: 6n, markers: 2n, aborted: 0n },
    }
    assert.deepEqual(judge(lossy), ['failed', 'dead_lettered,expired,lost'])
  })

  it('finds holes, overlaps and a ledger that does not add up', () => {
    assert.deepEqual(judge({ ledger: { ...ledger, holes: 1n } }), ['failed', 'hole_in_ledger,dead_lettered'])
    assert.deepEqual(judge({ ledger: { ...ledger, overlaps: 1n } }), [
      'failed',
      'overlap_in_ledger,dead_lettered',
    ])
    assert.deepEqual(judge({ ledger: { ...ledger, filtered: 1n } }), [
      'failed',
      'ledger_unbalanced,dead_lettered',
    ])
  })

  it('does not call rows doubled that an older program stored before the ledger began', () => {
    const takenOver = { rows: 500n, ledger: { ...ledger, firstOffset: 5n, firstSince: 5n } }
    assert.deepEqual(judge(takenOver), ['ok', 'dead_lettered,rows_before_ledger'])
    assert.deepEqual(judge({ ...takenOver, rows: 8n }), ['failed', 'dead_lettered,lost'])
  })

  it('counts replayed letters among the rows', () => {
    const replayed = { letters: { pending: 0n, stored: 1n, superseded: 0n } }
    assert.deepEqual(judge({ ...replayed, rows: 10n }), ['ok', 'dead_lettered'])
    assert.deepEqual(judge({ ...replayed, rows: 9n }), ['failed', 'dead_lettered,lost'])
    assert.deepEqual(judge({ ...replayed, rows: 11n }), ['failed', 'dead_lettered,doubled'])
    const superseded = { letters: { pending: 0n, stored: 0n, superseded: 1n }, mode: 'upsert' } as const
    assert.deepEqual(judge(superseded), ['ok', 'dead_lettered'])
    assert.deepEqual(judge({ ...superseded, rows: 10n }), ['failed', 'dead_lettered,doubled'])
  })

  it('finds letters that are missing; more than the ledger counted are a note', () => {
    const none = { letters: { pending: 0n, stored: 0n, superseded: 0n } }
    assert.deepEqual(judge(none), ['failed', 'lost'])
    assert.deepEqual(judge({ ...none, ledger: { ...ledger, overlaps: 1n } }), ['failed', 'overlap_in_ledger'])
    const two = { letters: { pending: 2n, stored: 0n, superseded: 0n } }
    assert.deepEqual(judge(two), ['ok', 'dead_lettered,letters_surplus'])
  })

  it('finds a ledger that does not end at the stored offset', () => {
    assert.equal(judge({ ledger: { ...ledger, nextOffset: 11n } })[1], 'dead_lettered,hole_in_ledger')
    assert.equal(judge({ ledger: { ...ledger, nextOffset: 13n } })[1], 'dead_lettered,overlap_in_ledger')
  })

  it('finds missing and surplus rows; in upsert mode fewer rows than writes are normal', () => {
    assert.deepEqual(judge({ rows: 8n }), ['failed', 'dead_lettered,lost'])
    assert.deepEqual(judge({ rows: 10n }), ['failed', 'dead_lettered,doubled'])
    assert.deepEqual(judge({ rows: 8n, mode: 'upsert' }), ['ok', 'dead_lettered'])
    assert.deepEqual(judge({ rows: 10n, mode: 'upsert' }), ['failed', 'dead_lettered,doubled'])
  })
})
