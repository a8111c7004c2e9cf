import { UnexpectedError } from '../errors.ts'
import type { StoredRow } from '../sink/snapshot.ts'
import type { Digest, DigestOf } from './digest.ts'
import type { Findings } from './findings.ts'
import { letterOf, logRecords } from './log-records.ts'
import { nearest } from './nearest.ts'
import { type AuditParts, isBeforeLedger, type PartitionScope } from './scope.ts'
import { Unreadable } from './unreadable.ts'

const buckets = 65_536
/** Digests that the second pass keeps to name what differs. */
const keptDigests = 1_000_000
/** Values that it keeps to tell a changed row from a lost and a foreign one. */
const keptValues = 1_000

/**
 * Append tables that do not say where their rows came from: records and rows are compared as multisets of values. The first pass sums
 * digests (128 bits) in 65,536 buckets on each side, 3 MB in all; only where the sums differ a second pass looks at the rows.
 */
export async function auditByValue(
  parts: AuditParts,
  scopes: readonly PartitionScope[],
  request: { readonly table: string; readonly digestOf: DigestOf; readonly findings: Findings },
): Promise<void> {
  const audit = new ByValue(parts, scopes, request)
  const sums = new BucketSums()
  await audit.readLog(true, (digest) => sums.add(digest, 1))
  await audit.readTable((digest) => sums.add(digest, -1))
  const differing = sums.differing()
  for (const scope of scopes) scope.tally.rows = scope.tally.inLog - scope.tally.deadLettered
  if (differing.size === 0) return
  await audit.explain(differing)
}

/** Order-free: counts, and digests summed modulo 2^64 twice. */
class BucketSums {
  readonly #counts = new Int32Array(buckets)
  readonly #sums = new BigUint64Array(buckets * 2)

  add({ high, low }: Digest, times: 1 | -1): void {
    const bucket = bucketOf(low)
    const sign = BigInt(times)
    this.#counts[bucket] = (this.#counts[bucket] as number) + times
    this.#sums[bucket * 2] = (this.#sums[bucket * 2] as bigint) + sign * high
    this.#sums[bucket * 2 + 1] = (this.#sums[bucket * 2 + 1] as bigint) + sign * low
  }

  differing(): Set<number> {
    const differing = new Set<number>()
    for (let bucket = 0; bucket < buckets; bucket++) {
      const same =
        this.#counts[bucket] === 0 && this.#sums[bucket * 2] === 0n && this.#sums[bucket * 2 + 1] === 0n
      if (!same) differing.add(bucket)
    }
    return differing
  }
}

function bucketOf(low: bigint): number {
  return Number(low & 0xffffn)
}

type Values = readonly (string | null)[]

/** How often a value is in the log and in the table, and where in the log it is first. */
interface Balance {
  inLog: number
  inTable: number
  partition: number
  offset: bigint
  values: Values | undefined
}

class ByValue {
  readonly #parts: AuditParts
  readonly #scopes: readonly PartitionScope[]
  readonly #request: Parameters<typeof auditByValue>[2]

  constructor(
    parts: AuditParts,
    scopes: readonly PartitionScope[],
    request: Parameters<typeof auditByValue>[2],
  ) {
    this.#parts = parts
    this.#scopes = scopes
    this.#request = request
  }

  async readLog(
    count: boolean,
    use: (digest: Digest, scope: PartitionScope, offset: bigint, values: Values) => void,
  ): Promise<void> {
    for (const scope of this.#scopes) {
      for await (const records of logRecords(this.#parts, scope, count)) {
        for (const record of records) {
          if (letterOf(scope, record.offset, count) === 'pending') continue
          if (isBeforeLedger(scope, record.offset)) {
            if (count) scope.findings.add('not_read')
            continue
          }
          try {
            const { values } = this.#parts.rows.read(record)
            use(this.#request.digestOf(values), scope, record.offset, values)
          } catch (error) {
            if (!(error instanceof Unreadable)) throw error
            const { partition } = scope
            if (count) scope.findings.add('unreadable', { partition, offset: record.offset })
          }
        }
      }
    }
  }

  async readTable(use: (digest: Digest, row: StoredRow) => void): Promise<void> {
    const { table, digestOf } = this.#request
    const columns = this.#parts.spec.columns
    for await (const page of this.#parts.snapshot.rows({ table, columns, provenance: false })) {
      for (const row of page) use(digestOf(row.values), row)
    }
  }

  /** The second pass: which values are too often on one side. */
  async explain(differing: ReadonlySet<number>): Promise<void> {
    const balances = new Map<string, Balance>()
    let left = 0n
    const balanceOf = ({ high, low }: Digest): Balance | undefined => {
      if (!differing.has(bucketOf(low))) return undefined
      const name = `${high}:${low}`
      let balance = balances.get(name)
      if (!balance && balances.size < keptDigests) {
        balance = { inLog: 0, inTable: 0, partition: -1, offset: -1n, values: undefined }
        balances.set(name, balance)
      }
      if (!balance) left++
      return balance
    }
    await this.readLog(false, (digest, { partition }, offset, values) => {
      const balance = balanceOf(digest)
      if (balance && ++balance.inLog === 1) Object.assign(balance, { partition, offset, values })
    })
    await this.readTable((digest, row) => {
      const balance = balanceOf(digest)
      if (!balance) return
      balance.inTable++
      balance.values ??= row.values
    })
    const uneven = [...balances.values()].filter(({ inLog, inTable }) => inLog !== inTable)
    // Only compaction between the two passes can make the sums differ and the values not.
    if (uneven.length === 0 && left === 0n && !this.#scopes.some((scope) => scope.compacted))
      throw new UnexpectedError('the digests of log and table differ, their values do not')
    this.#judge(uneven)
    this.#request.findings.addMany('unproved', left, { detail: `more than ${keptDigests} values differ` })
  }

  #judge(balances: readonly Balance[]): void {
    const { findings } = this.#request
    // What came from records that the log does not hold any more looks like a foreign row.
    const whole = this.#scopes.every(
      (scope) => scope.logStart === 0n && !scope.compacted && !isBeforeLedger(scope, scope.logStart),
    )
    const lost = balances.filter(({ inLog, inTable }) => inLog > inTable)
    const surplus = balances.filter(({ inLog, inTable }) => inLog < inTable)
    const changed = new Set<Balance>()
    for (const row of surplus.filter(({ inLog }) => inLog === 0).slice(0, keptValues)) {
      const candidates = lost.filter((balance) => !changed.has(balance)).slice(0, keptValues)
      const origin = nearest(row.values ?? [], candidates, (balance) => balance.values ?? [])
      if (!origin) continue
      changed.add(origin.candidate).add(row)
      const { partition, offset } = origin.candidate
      const column = this.#parts.spec.columns[origin.column]?.name ?? ''
      const expected = origin.candidate.values?.[origin.column] ?? null
      const example = { partition, offset, column, expected, found: row.values?.[origin.column] ?? null }
      this.#scopeOf(partition).findings.add('altered', example)
    }
    for (const balance of lost) {
      const { partition, offset, inLog, inTable } = balance
      const count = BigInt(inLog - inTable - (changed.has(balance) ? 1 : 0))
      this.#scopeOf(partition).findings.addMany('lost', count, { examples: [{ partition, offset }] })
    }
    for (const balance of surplus) {
      const count = BigInt(balance.inTable - balance.inLog - (changed.has(balance) ? 1 : 0))
      const known = balance.inLog > 0
      const examples = known
        ? [{ partition: balance.partition, offset: balance.offset }]
        : [{ found: (balance.values ?? []).map((value) => value ?? 'NULL').join(', ') }]
      if (!whole)
        findings.addMany('unproved', count, {
          detail: 'the log does not hold all records that were consumed',
        })
      else findings.addMany(known ? 'doubled' : 'foreign', count, { examples })
    }
    for (const scope of this.#scopes) {
      scope.tally.rows -= scope.findings.count('lost') + scope.findings.count('not_read')
    }
  }

  #scopeOf(partition: number): PartitionScope {
    return this.#scopes.find((scope) => scope.partition === partition) as PartitionScope
  }
}
