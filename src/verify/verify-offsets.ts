import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../errors.ts'
import type { KafkaAdmin, TopicInfo } from '../kafka/admin.ts'
import { unknownTopic } from '../kafka/errors.ts'
import type { LogCount, PartitionReader } from '../kafka/reader.ts'
import type { TopicPartition } from '../kafka/types.ts'
import { provenanceColumns } from '../schema/table-spec.ts'
import type { Books, LedgerSum, LetterSum, RowCount, Sink, StoredOffset } from '../sink/sink.ts'
import { compareRows, judgePartition } from './judge.ts'
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
  if (!topic) throw unknownTopic(request.topic)
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
    const ledger = books.ledger.get(partition) ?? nothingConsumed(stored, logStart)
    reports.push(
      judgePartition({
        topic: topic.name,
        group: request.group,
        partition,
        logStart,
        logEnd,
        stored,
        ledger,
        letters: books.letters.get(partition) ?? noLetters,
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

const noLetters: LetterSum = { pending: 0n, stored: 0n, superseded: 0n }

/** A partition that was claimed and had no records yet needs no line in the ledger. */
function nothingConsumed(stored: StoredOffset | undefined, logStart: bigint): LedgerSum | undefined {
  if (!stored || stored.offset > logStart) return undefined
  const none = {
    batches: 0n,
    read: 0n,
    readSince: 0n,
    written: 0n,
    filtered: 0n,
    deadLettered: 0n,
    holes: 0n,
    overlaps: 0n,
  }
  return { ...none, firstOffset: stored.offset, nextOffset: stored.offset, firstSince: null }
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
  const replayed = sum((p) => p.lettersReplayed)
  const findings = tableFindings(rows, { written, replayed }, mode, partitions)
  const all = [...findings, ...partitions.flatMap((p) => p.findings)]
  const { lost, doubled } = lostAndDoubled(all)
  return {
    topic: request.topic,
    group: request.group,
    sink: request.sinkName,
    table: request.table,
    mode,
    verdict: verdictOf(all),
    partitions,
    rows: rows.total,
    findings,
    totals: {
      lag: sum((p) => p.lag),
      inLog: sum((p) => p.inLog),
      written,
      deadLettered: sum((p) => p.deadLettered),
      lettersPending: sum((p) => p.lettersPending),
      lettersReplayed: replayed,
      lettersSuperseded: sum((p) => p.lettersSuperseded),
      lost,
      doubled,
    },
  }
}

/** The table as a whole; compared with the ledger where every claimed partition has one and rows are not counted by partition. */
function tableFindings(
  rows: RowCount,
  stored: { readonly written: bigint; readonly replayed: bigint },
  mode: 'insert' | 'upsert',
  partitions: readonly PartitionReport[],
): Discrepancy[] {
  const findings: Discrepancy[] = []
  if (rows.doubled !== undefined && rows.doubled > 0n)
    findings.push({
      cause: 'doubled',
      severity: 'failed',
      detail: `${rows.doubled} rows have the same partition and offset as another`,
      records: rows.doubled,
    })
  const claimed = partitions.filter((p) => p.offset !== undefined)
  if (rows.byPartition !== undefined || claimed.some((p) => p.read === undefined)) return findings
  const late = claimed.some((p) => p.ledgerStart !== undefined && p.ledgerStart > 0n)
  return [...findings, ...compareRows(rows.total, stored, mode, late)]
}

/** Records lost (`expired_unread` among them) and doubled, over all findings. */
function lostAndDoubled(findings: readonly Discrepancy[]): { lost: bigint; doubled: bigint } {
  const sum = (...causes: Discrepancy['cause'][]) =>
    findings.reduce((total, f) => total + (causes.includes(f.cause) ? (f.records ?? 0n) : 0n), 0n)
  return { lost: sum('lost', 'expired_unread'), doubled: sum('doubled') }
}
