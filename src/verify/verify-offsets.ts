import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../errors.ts'
import type { KafkaAdmin, TopicInfo } from '../kafka/admin.ts'
import type { LogCount, PartitionReader } from '../kafka/reader.ts'
import type { TopicPartition } from '../kafka/types.ts'
import { provenanceColumns } from '../schema/table-spec.ts'
import type { Books, LedgerSum, RowCount, Sink, StoredOffset } from '../sink/sink.ts'
import { judgePartition } from './judge.ts'
import { type Discrepancy, type PartitionReport, type VerifyReport, verdictOf } from './report.ts'

const pollInterval = 500

export interface VerifyRequest {
  readonly topic: string
  readonly group: string
  readonly table: string
  readonly sinkName: string
  /** Default: upsert where the table has a primary key from the data. */
  readonly mode: 'insert' | 'upsert' | undefined
  /** Milliseconds to wait for lag 0. */
  readonly wait: number
  readonly signal: AbortSignal
}

export interface VerifyParts {
  readonly admin: KafkaAdmin
  readonly reader: PartitionReader
  readonly sink: Sink
}

/**
 * Compares the log with what the sink says of itself: offsets, ledger, rows. Reads only; joins no group. Records are
 * counted from the log, so transaction markers and aborted records never look like a loss. Throws ConfigError when
 * topic or table is missing, UnreachableError when a server is away.
 */
export async function verifyOffsets(request: VerifyRequest, parts: VerifyParts): Promise<VerifyReport> {
  const topic = await parts.admin.topic(request.topic)
  if (!topic)
    throw new ConfigError(`the topic ${request.topic} does not exist`, {
      next: `etl apply --topic ${request.topic}`,
    })
  const info = await parts.sink.describe(request.table)
  if (!info)
    throw new ConfigError(`the table ${request.table} does not exist`, {
      where: request.sinkName,
      next: `etl apply --topic ${request.topic}, or --table NAME`,
    })
  const provenance: string[] = Object.values(provenanceColumns)
  const keyed = info.primaryKey.some((name) => !provenance.includes(name))
  const mode = request.mode ?? (keyed ? 'upsert' : 'insert')
  await waitForLag(request, parts)
  const starts = await parts.admin.startOffsets(request.topic)
  const books = await parts.sink.books({ ...request, ledgerFrom: starts })
  const partitions = await comparePartitions(request, parts, topic, starts, books, mode)
  return summarize(request, mode, partitions, books.rows)
}

async function waitForLag(request: VerifyRequest, { admin, sink }: VerifyParts): Promise<void> {
  const deadline = Date.now() + request.wait
  while (Date.now() < deadline && !request.signal.aborted) {
    const [ends, starts, stored] = await Promise.all([
      admin.endOffsets(request.topic),
      admin.startOffsets(request.topic),
      sink.offsets(request.topic, request.group),
    ])
    if ([...ends].every(([p, end]) => (stored.get(p)?.offset ?? starts.get(p) ?? 0n) >= end)) return
    await sleep(pollInterval, undefined, { signal: request.signal }).catch(() => undefined)
  }
}

async function comparePartitions(
  request: VerifyRequest,
  { admin, reader }: VerifyParts,
  topic: TopicInfo,
  starts: ReadonlyMap<number, bigint>,
  books: Books,
  mode: 'insert' | 'upsert',
): Promise<PartitionReport[]> {
  // Read after the books: ends only grow, so a running consumer never looks ahead of the log.
  const [ends, clusterId, config] = await Promise.all([
    admin.endOffsets(topic.name),
    admin.clusterId(),
    admin.topicConfig(topic.name),
  ])
  const compacted = (config.get('cleanup.policy') ?? '').includes('compact')
  const reports: PartitionReport[] = []
  for (const [partition, logEnd] of [...ends].sort(([a], [b]) => a - b)) {
    const logStart = starts.get(partition) ?? 0n
    const stored = books.offsets.get(partition)
    const ledger = books.ledger.get(partition)
    reports.push(
      judgePartition({
        topic: topic.name,
        group: request.group,
        partition,
        logStart,
        logEnd,
        stored,
        ledger,
        count: await countConsumed(
          { topic: topic.name, partition },
          reader,
          logStart,
          logEnd,
          stored,
          ledger,
        ),
        rows:
          books.rows.byPartition === undefined ? undefined : (books.rows.byPartition.get(partition) ?? 0n),
        mode,
        compacted,
        clusterId,
        topicId: topic.topicId,
      }),
    )
  }
  return reports
}

/** Counts the log from the first ledger batch that it still holds (without a ledger: from its start) to the stored offset. */
async function countConsumed(
  tp: TopicPartition,
  reader: PartitionReader,
  logStart: bigint,
  logEnd: bigint,
  stored: StoredOffset | undefined,
  ledger: LedgerSum | undefined,
): Promise<LogCount> {
  const from = ledger ? ledger.firstSince : logStart
  const to = stored && stored.offset < logEnd ? stored.offset : logEnd
  if (!stored || from === null || to <= from) return { records: 0n, markers: 0n, aborted: 0n }
  return await reader.count(tp, from, to)
}

function summarize(
  request: VerifyRequest,
  mode: 'insert' | 'upsert',
  partitions: readonly PartitionReport[],
  rows: RowCount,
): VerifyReport {
  const sum = (f: (p: PartitionReport) => bigint | undefined) =>
    partitions.reduce((total, p) => total + (f(p) ?? 0n), 0n)
  const written = sum((p) => p.written)
  const findings = tableFindings(rows, written, mode, partitions)
  const { lost, doubled } = lostAndDoubled(partitions, findings, rows, mode, written)
  return {
    topic: request.topic,
    group: request.group,
    sink: request.sinkName,
    table: request.table,
    mode,
    verdict: verdictOf([...findings, ...partitions.flatMap((p) => p.findings)]),
    partitions,
    rows: rows.total,
    findings,
    totals: {
      lag: sum((p) => p.lag),
      inLog: sum((p) => p.inLog),
      written,
      deadLettered: sum((p) => p.deadLettered),
      lost,
      doubled,
    },
  }
}

/** The table as a whole against the ledger; without a ledger there is nothing to compare it with. */
function tableFindings(
  rows: RowCount,
  written: bigint,
  mode: 'insert' | 'upsert',
  partitions: readonly PartitionReport[],
): Discrepancy[] {
  const findings: Discrepancy[] = []
  if (rows.doubled !== undefined && rows.doubled > 0n)
    findings.push({
      cause: 'doubled',
      severity: 'failed',
      detail: `${rows.doubled} rows have the same partition and offset as another`,
    })
  const compared =
    partitions.every((p) => p.read !== undefined || p.offset === undefined) && rows.byPartition === undefined
  if (compared && rows.total > written)
    findings.push({
      cause: 'doubled',
      severity: 'failed',
      detail: `${rows.total} rows in the table, the ledger wrote ${written}`,
    })
  if (compared && mode === 'insert' && rows.total < written)
    findings.push({
      cause: 'lost',
      severity: 'failed',
      detail: `${rows.total} rows in the table, the ledger wrote ${written}`,
    })
  return findings
}

function lostAndDoubled(
  partitions: readonly PartitionReport[],
  findings: readonly Discrepancy[],
  rows: RowCount,
  mode: 'insert' | 'upsert',
  written: bigint,
): { lost: bigint; doubled: bigint } {
  let lost = 0n
  let doubled = rows.doubled ?? 0n
  const compare = (expected: bigint, seen: bigint, both: boolean) => {
    if (seen > expected) doubled += seen - expected
    else if (both) lost += expected - seen
  }
  for (const p of partitions) {
    const has = (cause: string) => p.findings.some((f) => f.cause === cause && f.severity === 'failed')
    if (p.readInLog !== undefined && (has('lost') || has('doubled'))) compare(p.inLog, p.readInLog, true)
    if (p.rows !== undefined && p.written !== undefined) compare(p.written, p.rows, mode === 'insert')
    if (has('expired_unread') && p.offset !== undefined) lost += p.logStart - p.offset
  }
  if (findings.some((f) => f.severity === 'failed') && rows.byPartition === undefined)
    compare(written, rows.total, mode === 'insert')
  return { lost, doubled }
}
