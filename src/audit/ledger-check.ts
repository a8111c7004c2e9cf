import type { Snapshot } from '../sink/snapshot.ts'
import type { PartitionScope } from './scope.ts'

/** The ledger against itself, against the stored offset, and against what the audit counted in the log. */
export async function checkLedger(
  snapshot: Snapshot,
  scope: PartitionScope,
  group: string,
  examples: number,
): Promise<void> {
  const { topic, partition, ledger, stored, findings, tally, compacted, cut, end } = scope
  if (!ledger || !stored) return
  if (ledger.holes + ledger.overlaps > 0n) {
    const breaks = await snapshot.ledgerBreaks(topic, group, partition, examples)
    const named = (early: boolean) =>
      breaks
        .filter(({ firstOffset, previousNext }) => firstOffset < previousNext === early)
        .map(({ epoch, firstOffset, previousNext }) => ({
          partition,
          offset: firstOffset,
          expected: String(previousNext),
          found: `${firstOffset} (epoch ${epoch})`,
        }))
    findings.addMany('hole_in_ledger', ledger.holes, { examples: named(false) })
    findings.addMany('out_of_order', ledger.overlaps, { examples: named(true) })
  }
  if (ledger.nextOffset !== stored.offset) {
    findings.addMany(ledger.nextOffset < stored.offset ? 'hole_in_ledger' : 'out_of_order', 1n, {
      detail: `the ledger ends at ${ledger.nextOffset}, the stored offset is ${stored.offset}`,
    })
  }
  const parts = ledger.written + ledger.filtered + ledger.deadLettered
  findings.addMany('ledger_unbalanced', abs(ledger.read - parts))
  // Only a ledger without a break says of every record which batch it is in.
  const comparable = ledger.holes + ledger.overlaps === 0n && !cut && end === stored.offset
  const surplus = ledger.readSince - tally.inLedger
  if (!comparable || surplus === 0n || (surplus > 0n && compacted)) return
  findings.addMany('ledger_differs', abs(surplus), {
    detail: `it read ${ledger.readSince}, the log holds ${tally.inLedger}`,
  })
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value
}
