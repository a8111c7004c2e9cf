import type { KafkaRecord } from '../kafka/types.ts'
import type { StoredRow } from '../sink/snapshot.ts'
import type { Expected } from './expected.ts'
import { letterOf, logRecords } from './log-records.ts'
import { RowCursor } from './row-cursor.ts'
import { type AuditParts, isBeforeLedger, noteBeforeLedger, type PartitionScope } from './scope.ts'
import { Unreadable } from './unreadable.ts'

/**
 * Append tables whose rows say which record they came from: log and rows, both in the order of the offsets, are merged
 * like two sorted lists. Memory: one batch of records and one page of rows.
 */
export async function auditByPlace(
  parts: AuditParts,
  scope: PartitionScope,
  table: string,
  orderColumn: string | undefined,
): Promise<void> {
  const { spec, snapshot } = parts
  const rows = new RowCursor(
    snapshot.rows({
      table,
      columns: spec.columns,
      provenance: true,
      place: {
        partition: scope.partition,
        from: scope.logStart,
        to: scope.cut ? scope.end : undefined,
      },
      orderColumn,
    }),
  )
  try {
    const merge = new Merge(parts, scope, rows)
    await rows.fetch()
    for await (const records of logRecords(parts, scope, true)) {
      for (const record of records) await merge.record(record)
    }
    await merge.finish()
  } finally {
    await rows.close()
  }
}

class Merge {
  readonly #parts: AuditParts
  readonly #scope: PartitionScope
  readonly #rows: RowCursor
  /** A row in front of the ledger's first batch: the group, or somebody for it, has read from there on. */
  #begun = false
  #order: bigint | undefined
  /** Counts until a row shows that records this far in front were read after all. */
  #notRead = 0n

  constructor(parts: AuditParts, scope: PartitionScope, rows: RowCursor) {
    this.#parts = parts
    this.#scope = scope
    this.#rows = rows
  }

  async record(record: KafkaRecord): Promise<void> {
    const { offset } = record
    for (let row = this.#rows.current; row && placeOf(row) < offset; row = this.#rows.current) {
      this.#orphan(row)
      await this.#next()
    }
    const letter = letterOf(this.#scope, offset, true)
    const row = this.#rows.current
    if (!row || placeOf(row) !== offset) {
      if (letter !== 'pending') this.#missing(offset)
      return
    }
    this.#compare(record, row)
    if (letter === undefined) this.#inOrder(row)
    for (let first = true; ; first = false) {
      if (!first) this.#scope.findings.add('doubled', { ...this.#at(offset) })
      await this.#next()
      if (!this.#rows.current || placeOf(this.#rows.current) !== offset) return
    }
  }

  /** Rows behind the last record. */
  async finish(): Promise<void> {
    for (let row = this.#rows.current; row; row = this.#rows.current) {
      this.#orphan(row)
      await this.#next()
    }
    this.#scope.findings.addMany('not_read', this.#notRead, {
      detail: `the ledger begins at offset ${this.#scope.ledgerStart?.firstOffset}`,
    })
  }

  async #next(): Promise<void> {
    this.#scope.tally.streamed++
    if (!this.#rows.step()) await this.#rows.fetch()
  }

  #missing(offset: bigint): void {
    if (!this.#begun && isBeforeLedger(this.#scope, offset)) this.#notRead++
    else this.#scope.findings.add('lost', this.#at(offset))
  }

  #compare(record: KafkaRecord, row: StoredRow): void {
    const { findings, tally } = this.#scope
    tally.rows++
    if (isBeforeLedger(this.#scope, record.offset)) {
      noteBeforeLedger(this.#scope, record.offset)
      this.#begun = true
    }
    const expected = this.#expected(record)
    if (!expected) {
      findings.add('unreadable', this.#at(record.offset))
      return
    }
    if (expected.op === 'delete') {
      findings.add('foreign', this.#at(record.offset))
      return
    }
    for (let i = 0; i < expected.values.length; i++) {
      if (expected.values[i] === row.values[i]) continue
      findings.add('altered', {
        ...this.#at(record.offset),
        column: this.#parts.spec.columns[i]?.name ?? '',
        expected: expected.values[i] ?? null,
        found: row.values[i] ?? null,
      })
      return
    }
  }

  #expected(record: KafkaRecord): Expected | undefined {
    try {
      return this.#parts.rows.read(record)
    } catch (error) {
      if (error instanceof Unreadable) return undefined
      throw error
    }
  }

  #inOrder(row: StoredRow): void {
    if (row.order === null) return
    const order = BigInt(row.order)
    if (this.#order !== undefined && order < this.#order)
      this.#scope.findings.add('out_of_order', this.#at(placeOf(row)))
    this.#order = order
  }

  /** A row whose record is not in the log up to the group's offset. */
  #orphan(row: StoredRow): void {
    const { findings, end, compacted, shared } = this.#scope
    const offset = placeOf(row)
    if (offset < end && compacted) findings.add('compacted')
    else if (offset >= end && shared)
      findings.addMany('unproved', 1n, { detail: 'behind the stored offset, perhaps of another group' })
    else findings.add('foreign', this.#at(offset))
  }

  #at(offset: bigint) {
    return { partition: this.#scope.partition, offset }
  }
}

function placeOf(row: StoredRow): bigint {
  return row.offset ?? -1n
}
