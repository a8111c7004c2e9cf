import type { KafkaRecord } from '../kafka/types.ts'
import type { StoredRow } from '../sink/snapshot.ts'
import type { Digest, DigestOf } from './digest.ts'
import type { Findings } from './findings.ts'
import { LastWrites, State } from './last-writes.ts'
import { letterOf, logRecords } from './log-records.ts'
import type { AuditExample } from './report.ts'
import { type AuditParts, isBeforeLedger, noteBeforeLedger, type PartitionScope } from './scope.ts'
import { Unreadable } from './unreadable.ts'

/** Keys that one pass holds: 190 MB at most. Tables with more keys take several passes over log and table. */
const defaultKeys = 3_000_000

/** Keys whose digest ends with `share`, in `bits` bits. */
interface Share {
  readonly bits: number
  readonly share: bigint
}

/**
 * Tables that hold the last record of each key: log and table are compared key by key. A key that comes from several
 * partitions may hold the last record of any of them: their order is not defined.
 */
export async function auditByKey(
  parts: AuditParts,
  scopes: readonly PartitionScope[],
  request: {
    readonly table: string
    readonly provenance: boolean
    readonly digestOf: DigestOf
    readonly findings: Findings
    readonly keys?: number
  },
): Promise<void> {
  const shares: Share[] = [{ bits: 0, share: 0n }]
  for (let first = true; shares.length > 0; first = false) {
    const pass = new Pass(parts, scopes, shares.pop() as Share, request)
    await pass.readLog(first)
    shares.push(...pass.left)
    await pass.readTable()
    pass.finish()
  }
  for (const { tally, findings } of scopes)
    tally.superseded = tally.inLog - tally.deadLettered - findings.count('unreadable') - tally.lastWrites
}

class Pass {
  /** Shares that did not fit. */
  readonly left: Share[] = []
  readonly #parts: AuditParts
  readonly #scopes: readonly PartitionScope[]
  readonly #byPartition: ReadonlyMap<number, PartitionScope>
  readonly #request: Parameters<typeof auditByKey>[2]
  readonly #last: LastWrites
  readonly #keyIndexes: readonly number[]
  #share: Share
  #ends: ReadonlyMap<number, bigint> = new Map()

  constructor(
    parts: AuditParts,
    scopes: readonly PartitionScope[],
    share: Share,
    request: Parameters<typeof auditByKey>[2],
  ) {
    this.#parts = parts
    this.#scopes = scopes
    this.#byPartition = new Map(scopes.map((scope) => [scope.partition, scope]))
    this.#share = share
    this.#request = request
    this.#last = new LastWrites(request.keys ?? defaultKeys)
    const { columns, primaryKey } = parts.spec
    this.#keyIndexes = primaryKey.map((name) => columns.findIndex((column) => column.name === name))
  }

  async readLog(count: boolean): Promise<void> {
    for (const scope of this.#scopes) {
      for await (const records of logRecords(this.#parts, scope, count)) {
        for (const record of records) this.#record(scope, record, count)
      }
    }
  }

  async readTable(): Promise<void> {
    const { snapshot, spec } = this.#parts
    const { table, provenance } = this.#request
    // Compaction may have removed, meanwhile, what a row was made of: where its key was written again since.
    if (this.#scopes.some((scope) => scope.compacted)) this.#ends = await this.#parts.logEnds()
    for await (const page of snapshot.rows({ table, columns: spec.columns, provenance })) {
      for (const row of page) await this.#row(row)
    }
  }

  /** Entries that no row was found for. */
  finish(): void {
    for (const slot of this.#last.slots()) {
      const scope = this.#scopeAt(slot)
      const offset = this.#last.offsetAt(slot)
      const state = this.#last.stateAt(slot)
      const early = isBeforeLedger(scope, offset)
      if (state === State.absent || (state === State.write && this.#seenElsewhere(slot))) continue
      scope.tally.lastWrites++
      if (state === State.seen) {
        scope.tally.rows++
        if (early) noteBeforeLedger(scope, offset)
      } else scope.findings.add(early ? 'not_read' : 'lost', { partition: scope.partition, offset })
    }
  }

  #record(scope: PartitionScope, record: KafkaRecord, count: boolean): void {
    if (letterOf(scope, record.offset, count) === 'pending') return
    const { digestOf } = this.#request
    try {
      const { op, values } = this.#parts.rows.read(record)
      const key = digestOf(this.#keyOf(values))
      if (!this.#mine(key)) return
      const value = op === 'write' ? digestOf(values) : undefined
      while (!this.#last.put(key, scope.partition, record.offset, value)) {
        this.#halve()
        if (!this.#mine(key)) return
      }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      if (count) scope.findings.add('unreadable', { partition: scope.partition, offset: record.offset })
    }
  }

  async #row(row: StoredRow): Promise<void> {
    const { digestOf, provenance, findings } = this.#request
    const key = digestOf(this.#keyOf(row.values))
    if (!this.#mine(key)) return
    if (provenance && row.partition !== null) {
      const scope = this.#byPartition.get(row.partition)
      const slot = scope ? this.#last.find(key, row.partition) : -1
      if (!scope) findings.add('foreign', this.#example(row))
      else if (slot < 0) this.#unknown(row, [scope], scope.findings)
      else await this.#match(row, slot, scope)
      return
    }
    const slots = this.#scopes
      .map((scope) => this.#last.find(key, scope.partition))
      .filter((slot) => slot >= 0)
    const value = digestOf(row.values)
    const same = slots.find(
      (slot) => this.#last.stateAt(slot) !== State.absent && this.#last.holds(slot, value),
    )
    const [slot] = same === undefined ? slots : [same]
    if (slot === undefined) this.#unknown(row, this.#scopes, findings)
    else await this.#match(row, slot, this.#scopeAt(slot))
  }

  /** The row against the last operation of its key. */
  async #match(row: StoredRow, slot: number, scope: PartitionScope): Promise<void> {
    const { findings } = scope
    const offset = this.#last.offsetAt(slot)
    const at = { partition: scope.partition, offset, key: this.#keyText(row) }
    if (this.#last.stateAt(slot) === State.seen) {
      findings.add('doubled', at)
      return
    }
    if (this.#last.stateAt(slot) === State.absent) {
      // Its deletion, and with it the record, may be in another partition's past.
      findings.add('foreign', at)
      return
    }
    this.#last.markSeen(slot)
    if (row.offset !== null && row.offset !== offset) {
      const stale = isBeforeLedger(scope, offset) ? 'not_read' : 'lost'
      findings.add(row.offset < offset ? stale : 'foreign', {
        ...at,
        expected: `offset ${offset}`,
        found: `offset ${row.offset}`,
      })
      return
    }
    if (this.#last.holds(slot, this.#request.digestOf(row.values))) return
    const more = findings.wantsExample('altered') ? await this.#difference(row, scope, offset) : {}
    findings.add('altered', { ...at, ...more })
  }

  /** A row of a key that no record of these partitions has. */
  #unknown(row: StoredRow, scopes: readonly PartitionScope[], findings: Findings): void {
    const expired = scopes.find((scope) => scope.logStart > 0n && (row.offset ?? 0n) < scope.logStart)
    const compacted = scopes.find(
      (scope) => scope.compacted && scope.end < (this.#ends.get(scope.partition) ?? scope.logEnd),
    )
    if (expired) findings.add('expired')
    else if (compacted) findings.add('compacted')
    else findings.add('foreign', this.#example(row))
  }

  /** Reads the one record again, to name the column. */
  async #difference(row: StoredRow, scope: PartitionScope, offset: bigint): Promise<Partial<AuditExample>> {
    const { reader, rows, spec } = this.#parts
    const { topic, partition } = scope
    for await (const { records } of reader.read({ topic, partition }, offset, offset + 1n)) {
      const record = records.find((candidate) => candidate.offset === offset)
      if (!record) continue
      const { values } = rows.read(record)
      const at = values.findIndex((value, i) => value !== row.values[i])
      const column = spec.columns[at]?.name
      if (column === undefined) return {}
      return { column, expected: values[at] ?? null, found: row.values[at] ?? null }
    }
    return {}
  }

  /** Another partition's record is the one that the key's row was found to be. */
  #seenElsewhere(slot: number): boolean {
    const key = this.#last.keyAt(slot)
    return this.#scopes.some(({ partition }) => {
      const other = this.#last.find(key, partition)
      return other >= 0 && other !== slot && this.#last.stateAt(other) !== State.write
    })
  }

  #halve(): void {
    const { bits, share } = this.#share
    this.left.push({ bits: bits + 1, share: share | (1n << BigInt(bits)) })
    this.#share = { bits: bits + 1, share }
    this.#last.retain((key) => this.#mine(key))
  }

  #mine(key: Digest): boolean {
    const { bits, share } = this.#share
    return bits === 0 || BigInt.asUintN(bits, key.high) === share
  }

  #keyOf(values: readonly (string | null)[]): (string | null)[] {
    return this.#keyIndexes.map((index) => values[index] ?? null)
  }

  #keyText(row: StoredRow): string {
    return this.#keyOf(row.values).join(', ')
  }

  #example(row: StoredRow): AuditExample {
    return {
      ...(row.partition === null ? {} : { partition: row.partition }),
      ...(row.offset === null ? {} : { offset: row.offset }),
      key: this.#keyText(row),
    }
  }

  #scopeAt(slot: number): PartitionScope {
    return this.#byPartition.get(this.#last.partitionAt(slot)) as PartitionScope
  }
}
