import { ExitCode } from '../errors.ts'

/** Why a partition is not simply `ok`; stable names, part of the JSON output. */
export type Cause =
  | 'behind' // lag only
  | 'unclaimed' // the group never claimed the partition
  | 'lost' // records of the log that no row and no dead letter accounts for
  | 'doubled' // more written than the log holds, or rows with the same partition and offset
  | 'offset_ahead' // the stored offset is beyond the log's end
  | 'expired_unread' // retention removed records before they were consumed
  | 'topic_recreated'
  | 'cluster_changed'
  | 'hole_in_ledger'
  | 'overlap_in_ledger'
  | 'ledger_unbalanced' // read is not written + filtered + dead-lettered
  | 'dead_lettered'
  | 'letters_surplus' // more dead letters than the ledger counted: it was off, or began later
  | 'expired' // retention removed records after they were consumed
  | 'compacted' // compaction removed records after they were consumed
  | 'rows_before_ledger' // the table had rows when the ledger began
  | 'no_ledger'

/** failed: exit 3 · behind: exit 4 · note: does not change the verdict. */
export type Severity = 'failed' | 'behind' | 'note'

export interface Discrepancy {
  readonly cause: Cause
  readonly severity: Severity
  readonly detail: string
  /** How many records are lost or doubled by it. */
  readonly records?: bigint
  /** The command that helps. */
  readonly next?: string
}

export interface PartitionReport {
  readonly partition: number
  readonly logStart: bigint
  readonly logEnd: bigint
  /** Next offset in the sink; undefined: never claimed. */
  readonly offset: bigint | undefined
  readonly lag: bigint
  /** Data records of the log from the first ledger batch that it still holds to `offset`; markers and aborted ones not counted. */
  readonly inLog: bigint
  readonly markers: bigint
  readonly aborted: bigint
  /** What the ledger read of the range that `inLog` counts; undefined: no ledger. */
  readonly readInLog: bigint | undefined
  /** First offset that the ledger knows. */
  readonly ledgerStart: bigint | undefined
  /** undefined: no ledger. */
  readonly read: bigint | undefined
  readonly written: bigint | undefined
  readonly filtered: bigint | undefined
  readonly deadLettered: bigint | undefined
  /** Dead letters in etl_dead_letters, by what became of them. */
  readonly lettersPending: bigint
  /** Replayed and stored by that: rows beyond `written`. */
  readonly lettersReplayed: bigint
  /** Replayed, and not stored: a newer record of their key was. */
  readonly lettersSuperseded: bigint
  /** Rows of this partition; undefined without provenance columns. */
  readonly rows: bigint | undefined
  readonly verdict: Verdict
  readonly findings: readonly Discrepancy[]
}

export type Verdict = 'ok' | 'behind' | 'failed'

export interface VerifyReport {
  readonly topic: string
  readonly group: string
  readonly sink: string
  readonly table: string
  readonly mode: 'insert' | 'upsert'
  readonly verdict: Verdict
  readonly partitions: readonly PartitionReport[]
  /** Rows of the whole table. */
  readonly rows: bigint
  /** What concerns the table, not one partition. */
  readonly findings: readonly Discrepancy[]
  readonly totals: {
    readonly lag: bigint
    readonly inLog: bigint
    readonly written: bigint
    readonly deadLettered: bigint
    readonly lettersPending: bigint
    readonly lettersReplayed: bigint
    readonly lettersSuperseded: bigint
    readonly lost: bigint
    readonly doubled: bigint
  }
}

export function verdictOf(findings: readonly Pick<Discrepancy, 'severity'>[]): Verdict {
  if (findings.some((f) => f.severity === 'failed')) return 'failed'
  return findings.some((f) => f.severity === 'behind') ? 'behind' : 'ok'
}

/** The verdict of several reports together. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('failed')) return 'failed'
  return verdicts.includes('behind') ? 'behind' : 'ok'
}

export function exitCodeOf(verdict: Verdict): ExitCode {
  return { ok: ExitCode.ok, behind: ExitCode.behind, failed: ExitCode.verificationFailed }[verdict]
}
