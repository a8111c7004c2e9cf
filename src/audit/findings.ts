import { type Severity, type Verdict, verdictOf } from '../verify/report.ts'
import type { AuditCause, AuditExample, AuditFinding } from './report.ts'

/** What a cause means for the verdict, and how it is said. */
const meanings: Readonly<Record<AuditCause, { readonly severity: Severity; readonly text: string }>> = {
  lost: { severity: 'failed', text: 'records that are neither a row nor a dead letter' },
  doubled: { severity: 'failed', text: 'rows that are there more often than their record' },
  altered: { severity: 'failed', text: 'rows that differ from their record' },
  foreign: { severity: 'failed', text: 'rows that no committed record gives' },
  out_of_order: { severity: 'failed', text: 'stored after what should have followed it' },
  hole_in_ledger: { severity: 'failed', text: 'batches that do not start where the one before ended' },
  ledger_unbalanced: { severity: 'failed', text: 'read differs from written + filtered + dead letters by' },
  ledger_differs: {
    severity: 'failed',
    text: 'records that the ledger counts more or fewer than the log holds',
  },
  unreadable: { severity: 'failed', text: 'records that cannot be decoded, and are no dead letters' },
  offset_ahead: { severity: 'failed', text: 'offsets between the end of the log and the stored offset' },
  expired_unread: { severity: 'failed', text: 'offsets that left the log before they were consumed' },
  topic_recreated: { severity: 'failed', text: 'offset of another topic of this name' },
  cluster_changed: { severity: 'failed', text: 'offset of another cluster' },
  behind: { severity: 'behind', text: 'lag' },
  unclaimed: { severity: 'behind', text: 'no offset is stored; offsets that wait' },
  dead_lettered: { severity: 'note', text: 'records in etl_dead_letters' },
  expired: { severity: 'note', text: 'rows of records that retention has removed' },
  compacted: { severity: 'note', text: 'rows of records that compaction has removed' },
  not_read: { severity: 'note', text: 'records in front of where the group began' },
  rows_before_ledger: { severity: 'note', text: 'rows in front of the first batch of the ledger' },
  no_provenance: { severity: 'note', text: 'rows that do not say which record they came from' },
  unproved: { severity: 'note', text: 'rows that could not be judged' },
}

/** Counts findings by cause and keeps the first examples of each. */
export class Findings {
  readonly #limit: number
  readonly #found = new Map<
    AuditCause,
    { count: bigint; examples: AuditExample[]; detail?: string; next?: string }
  >()

  constructor(limit: number) {
    this.#limit = limit
  }

  add(cause: AuditCause, example?: AuditExample): void {
    const entry = this.#entry(cause)
    entry.count++
    if (example && entry.examples.length < this.#limit) entry.examples.push(example)
  }

  /** Whether another example of the cause would be kept: making one may cost something. */
  wantsExample(cause: AuditCause): boolean {
    return (this.#found.get(cause)?.examples.length ?? 0) < this.#limit
  }

  addMany(
    cause: AuditCause,
    count: bigint,
    more: {
      readonly detail?: string
      readonly next?: string
      readonly examples?: readonly AuditExample[]
    } = {},
  ): void {
    if (count === 0n) return
    const entry = this.#entry(cause)
    entry.count += count
    if (more.detail !== undefined) entry.detail = more.detail
    if (more.next !== undefined) entry.next = more.next
    entry.examples.push(...(more.examples ?? []).slice(0, this.#limit - entry.examples.length))
  }

  count(cause: AuditCause): bigint {
    return this.#found.get(cause)?.count ?? 0n
  }

  list(): AuditFinding[] {
    return [...this.#found].map(([cause, { count, examples, detail, next }]) => {
      const { severity, text } = meanings[cause]
      const said = `${text}: ${count.toLocaleString('en-US')}`
      return {
        cause,
        severity,
        detail: detail === undefined ? said : `${said} (${detail})`,
        count,
        examples,
        ...(next === undefined ? {} : { next }),
      }
    })
  }

  verdict(): Verdict {
    return verdictOf([...this.#found.keys()].map((cause) => ({ severity: meanings[cause].severity })))
  }

  #entry(cause: AuditCause) {
    let entry = this.#found.get(cause)
    if (!entry) {
      entry = { count: 0n, examples: [] }
      this.#found.set(cause, entry)
    }
    return entry
  }
}
