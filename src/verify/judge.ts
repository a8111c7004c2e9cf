import type { LogCount } from '../kafka/reader.ts'
import type { LedgerSum, LetterSum, StoredOffset } from '../sink/sink.ts'
import { type Discrepancy, type PartitionReport, verdictOf } from './report.ts'

/** All that is known of one partition, from the log and from the sink. */
export interface PartitionFacts {
  readonly topic: string
  readonly group: string
  readonly partition: number
  readonly logStart: bigint
  readonly logEnd: bigint
  readonly stored: StoredOffset | undefined
  readonly ledger: LedgerSum | undefined
  readonly letters: LetterSum
  /** Counted from the first ledger batch that the log still holds to the stored offset. */
  readonly count: LogCount
  readonly rows: bigint | undefined
  readonly mode: 'insert' | 'upsert'
  /** Compaction may remove records after they were consumed. */
  readonly compacted: boolean
  readonly clusterId: string
  readonly topicId: string
}

/** Compares the facts of one partition; pure. Each discrepancy is one finding, with numbers and the next command. */
export function judgePartition(facts: PartitionFacts): PartitionReport {
  const { stored, ledger, logStart, logEnd, count } = facts
  const findings = stored
    ? [...identity(facts, stored), ...position(facts, stored), ...books(facts)]
    : unclaimed(facts)
  return {
    partition: facts.partition,
    logStart,
    logEnd,
    offset: stored?.offset,
    lag: max(0n, logEnd - max(stored?.offset ?? logStart, logStart)),
    inLog: count.records,
    markers: count.markers,
    aborted: count.aborted,
    readInLog: ledger?.readSince,
    ledgerStart: ledger?.firstOffset,
    read: ledger?.read,
    written: ledger?.written,
    filtered: ledger?.filtered,
    deadLettered: ledger?.deadLettered,
    lettersPending: facts.letters.pending,
    lettersReplayed: facts.letters.stored,
    lettersSuperseded: facts.letters.superseded,
    rows: facts.rows,
    verdict: verdictOf(findings),
    findings,
  }
}

function unclaimed({ logStart, logEnd, topic }: PartitionFacts): Discrepancy[] {
  const records = logEnd > logStart
  return [
    {
      cause: 'unclaimed',
      severity: records ? 'behind' : 'note',
      detail: records
        ? `no offset stored; the log holds [${logStart}, ${logEnd})`
        : 'no offset stored; the log is empty',
      ...(records ? { next: `etl consume --topic ${topic}` } : {}),
    },
  ]
}

function identity({ clusterId, topicId, topic }: PartitionFacts, stored: StoredOffset): Discrepancy[] {
  const next = `etl offsets reset --topic ${topic} --to earliest`
  if (stored.clusterId && stored.clusterId !== clusterId)
    return [
      {
        cause: 'cluster_changed',
        severity: 'failed',
        detail: `the offset belongs to cluster ${stored.clusterId}, this one is ${clusterId}`,
        next,
      },
    ]
  if (stored.topicId && topicId && stored.topicId !== topicId)
    return [
      {
        cause: 'topic_recreated',
        severity: 'failed',
        detail: `the offset belongs to topic id ${stored.topicId}, the topic was re-created as ${topicId}`,
        next,
      },
    ]
  return []
}

function position({ topic, logStart, logEnd }: PartitionFacts, { offset }: StoredOffset): Discrepancy[] {
  if (offset > logEnd)
    return [
      {
        cause: 'offset_ahead',
        severity: 'failed',
        detail: `the stored offset ${offset} is beyond the log's end ${logEnd}: the topic was truncated or re-created`,
        next: `etl offsets reset --topic ${topic} --to latest`,
      },
    ]
  if (offset < logStart)
    return [
      {
        cause: 'expired_unread',
        severity: 'failed',
        records: logStart - offset,
        detail: `offsets [${offset}, ${logStart}) left the log before they were consumed`,
        next: `etl offsets reset --topic ${topic} --to earliest`,
      },
    ]
  if (offset < logEnd)
    return [
      {
        cause: 'behind',
        severity: 'behind',
        detail: `lag ${logEnd - offset}`,
        next: `etl consume --topic ${topic}`,
      },
    ]
  return []
}

/** Log, ledger and rows against each other. */
function books(facts: PartitionFacts): Discrepancy[] {
  const { ledger } = facts
  if (!ledger)
    return [{ cause: 'no_ledger', severity: 'note', detail: 'no ledger: only offsets are compared' }]
  return [
    ...ledgerAlone(ledger),
    ...lettersAgainstLedger(facts, ledger),
    ...ledgerEnd(facts, ledger),
    ...logAgainstLedger(facts, ledger),
    ...rowsAgainstLedger(facts, ledger),
  ]
}

function ledgerAlone(ledger: LedgerSum): Discrepancy[] {
  const findings: Discrepancy[] = []
  const fail = (cause: Discrepancy['cause'], detail: string) =>
    findings.push({ cause, severity: 'failed', detail })
  if (ledger.holes > 0n)
    fail('hole_in_ledger', `${ledger.holes} batches do not start where the one before ended`)
  if (ledger.overlaps > 0n)
    fail('overlap_in_ledger', `${ledger.overlaps} batches start before the end of the one before`)
  const parts = ledger.written + ledger.filtered + ledger.deadLettered
  if (ledger.read !== parts)
    fail('ledger_unbalanced', `read ${ledger.read}, but written + filtered + dead letters is ${parts}`)
  return findings
}

/** What the ledger dead-lettered is in etl_dead_letters, pending or replayed. */
function lettersAgainstLedger({ letters, topic }: PartitionFacts, ledger: LedgerSum): Discrepancy[] {
  const { deadLettered, overlaps } = ledger
  const { pending, stored, superseded } = letters
  const filed = pending + stored + superseded
  const findings: Discrepancy[] = []
  if (filed > 0n)
    findings.push({
      cause: 'dead_lettered',
      severity: 'note',
      detail: `${filed} dead letters: ${pending} pending, ${stored} replayed, ${superseded} superseded`,
      ...(pending > 0n ? { next: `etl dlq list --topic ${topic}` } : {}),
    })
  const detail = `etl_dead_letters holds ${filed} letters, the ledger dead-lettered ${deadLettered}`
  // Records that were read twice, which `overlaps` tells, share one letter.
  if (filed < deadLettered && overlaps === 0n)
    findings.push({ cause: 'lost', severity: 'failed', detail, records: deadLettered - filed })
  if (filed > deadLettered) findings.push({ cause: 'letters_surplus', severity: 'note', detail })
  return findings
}

/** The ledger's last batch ends where the stored offset is: both are written in one transaction. */
function ledgerEnd({ stored }: PartitionFacts, { nextOffset }: LedgerSum): Discrepancy[] {
  if (!stored || stored.offset === nextOffset) return []
  const cause = nextOffset < stored.offset ? 'hole_in_ledger' : 'overlap_in_ledger'
  return [
    {
      cause,
      severity: 'failed',
      detail: `the ledger ends at ${nextOffset}, the stored offset is ${stored.offset}`,
    },
  ]
}

function logAgainstLedger(facts: PartitionFacts, ledger: LedgerSum): Discrepancy[] {
  const { count, logStart, logEnd, stored, compacted } = facts
  // Without the offset inside the log there is no common range to compare; `position` has said so.
  if (!stored || stored.offset > logEnd || stored.offset < logStart) return []
  const expired = ledger.read - ledger.readSince
  const notes: Discrepancy[] = []
  if (expired > 0n)
    notes.push({
      cause: 'expired',
      severity: 'note',
      detail: `${expired} consumed records are in batches that the log does not hold any more`,
    })
  const surplus = ledger.readSince - count.records
  const seen = `the log holds ${count.records} records of the ledger's range, the ledger read ${ledger.readSince}`
  if (surplus < 0n) return [...notes, { cause: 'lost', severity: 'failed', detail: seen, records: -surplus }]
  if (surplus > 0n && compacted)
    return [
      ...notes,
      { cause: 'compacted', severity: 'note', detail: `${surplus} consumed records were compacted away` },
    ]
  if (surplus > 0n)
    return [...notes, { cause: 'doubled', severity: 'failed', detail: seen, records: surplus }]
  return notes
}

function rowsAgainstLedger({ rows, mode, letters }: PartitionFacts, ledger: LedgerSum): Discrepancy[] {
  const { written, firstOffset } = ledger
  return rows === undefined
    ? []
    : compareRows(rows, { written, replayed: letters.stored }, mode, firstOffset > 0n)
}

/**
 * Rows against what the ledger wrote and what was replayed since. In upsert mode fewer rows are normal. More are not, unless the ledger began
 * `late`, after the log did: the table may hold rows of an older program.
 */
export function compareRows(
  rows: bigint,
  stored: { readonly written: bigint; readonly replayed: bigint },
  mode: 'insert' | 'upsert',
  late: boolean,
): Discrepancy[] {
  const { replayed } = stored
  const expected = stored.written + replayed
  const detail = `${rows} rows, the ledger wrote ${stored.written}${replayed > 0n ? `, and ${replayed} were replayed` : ''}`
  if (rows > expected && late) return [{ cause: 'rows_before_ledger', severity: 'note', detail }]
  if (rows > expected) return [{ cause: 'doubled', severity: 'failed', detail, records: rows - expected }]
  if (rows < expected && mode === 'insert')
    return [{ cause: 'lost', severity: 'failed', detail, records: expected - rows }]
  return []
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
