import type { PartitionReader } from '../kafka/reader.ts'
import type { TableSpec } from '../schema/table-spec.ts'
import type { LedgerSum, StoredOffset } from '../sink/sink.ts'
import type { LedgerStart, Snapshot } from '../sink/snapshot.ts'
import type { ExpectedRows } from './expected.ts'
import type { Findings } from './findings.ts'
import type { Letters } from './letters.ts'

/** Servers and schemas of one audit. */
export interface AuditParts {
  readonly reader: PartitionReader
  readonly snapshot: Snapshot
  readonly rows: ExpectedRows
  readonly spec: TableSpec
  /** Called with the number of records of each batch that was read. */
  /** High watermarks as they are now. */
  readonly logEnds: () => Promise<ReadonlyMap<number, bigint>>
  readonly onRecords: (partition: number, records: number) => void
}

/** The record is in front of the ledger's first batch: the group may have begun behind it. */
export function isBeforeLedger({ ledgerStart }: PartitionScope, offset: bigint): boolean {
  return ledgerStart !== undefined && offset < ledgerStart.firstOffset
}

/** The claim that wrote the ledger's first batch is the group's first: a row in front of it lost its batch. */
export function noteBeforeLedger(scope: PartitionScope, offset: bigint): void {
  const { ledgerStart, shared, findings, partition } = scope
  if (ledgerStart?.epoch !== 1n || shared) findings.add('rows_before_ledger', { partition, offset })
  else if (findings.count('hole_in_ledger') === 0n) findings.add('hole_in_ledger', { partition, offset })
}

/** One partition: what is known of it, and what is found. */
export interface PartitionScope {
  readonly topic: string
  readonly partition: number
  readonly logStart: bigint
  readonly logEnd: bigint
  readonly stored: StoredOffset | undefined
  /** The log is read from logStart up to here (exclusive). */
  readonly end: bigint
  /** `end` is not the stored offset: rows from it on are not looked at. */
  readonly cut: boolean
  readonly compacted: boolean
  readonly letters: Letters
  readonly ledger: LedgerSum | undefined
  readonly ledgerStart: LedgerStart | undefined
  /** Another group keeps offsets of this topic too; it may have written rows in front of this group's. */
  readonly shared: boolean
  readonly findings: Findings
  readonly tally: Tally
}

export interface Tally {
  /** Rows that were read in the order of their offsets. */
  streamed: bigint
  inLog: bigint
  /** Of these, in the range of the ledger's batches that the log holds whole. */
  inLedger: bigint
  /** Of these, in upsert mode: the last of their key, and no deletion. */
  lastWrites: bigint
  rows: bigint
  superseded: bigint
  deadLettered: bigint
  replayed: bigint
}

export function newTally(): Tally {
  return {
    inLog: 0n,
    streamed: 0n,
    inLedger: 0n,
    lastWrites: 0n,
    rows: 0n,
    superseded: 0n,
    deadLettered: 0n,
    replayed: 0n,
  }
}
