import type { AbortedTransaction } from '../protocol/fetch.ts'
import type { BatchHeader } from '../record-batch/header.ts'
import { controlType } from '../record-batch/records.ts'

/**
 * Tells committed batches from aborted ones within one partition of one fetch response (KIP-98, READ_COMMITTED).
 *
 * The response lists the aborted transactions that overlap it as (producer id, first offset). Each is a range that ends at its
 * producer's next ABORT marker, which may lie in a later response; that one lists the transaction again. A
 * producer has one transaction at a time, so within a response: a transactional batch is aborted if its producer has an
 * open range. Markers are known by the batch header's control bit, never by a record's key.
 *
 * Batches must be shown in log order, each once.
 */
export class AbortedRanges {
  /** Not yet begun, the earliest last. */
  readonly #ahead: AbortedTransaction[]
  /** Producers whose aborted transaction is open at the current place. */
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => Number(b.firstOffset - a.firstOffset))
  }

  classify(header: BatchHeader): 'records' | 'marker' | 'aborted' {
    this.#openUpTo(header.lastOffset)
    if (header.isControl) {
      if (controlType(header) === 'abort') this.#open.delete(header.producerId)
      return 'marker'
    }
    return header.isTransactional && this.#open.has(header.producerId) ? 'aborted' : 'records'
  }

  #openUpTo(offset: bigint): void {
    for (let next = this.#ahead.at(-1); next && next.firstOffset <= offset; next = this.#ahead.at(-1)) {
      this.#open.add(next.producerId)
      this.#ahead.pop()
    }
  }
}
