import { OffsetOutOfRangeError } from '../kafka/errors.ts'
import type { KafkaRecord } from '../kafka/types.ts'
import type { AuditParts, PartitionScope } from './scope.ts'

/**
 * Every committed record of the scope, by batches, with the schemas of each batch learned. `count`: records and letters
 * are counted into the tally (the first time that the log is read).
 */
export async function* logRecords(
  { reader, rows, onRecords }: AuditParts,
  scope: PartitionScope,
  count: boolean,
): AsyncGenerator<readonly KafkaRecord[]> {
  const { topic, partition, logStart, end, tally } = scope
  if (end <= logStart) return
  const firstInLedger = scope.ledger?.firstSince ?? end
  let position = logStart
  for await (const batch of reader.read({ topic, partition }, logStart, end)) {
    if (count) {
      onRecords(partition, batch.records.length)
      tally.inLog += BigInt(batch.records.length)
      for (const { offset } of batch.records) if (offset >= firstInLedger) tally.inLedger++
    }
    await rows.learn(batch.records)
    yield batch.records
    position = batch.nextOffset
  }
  // The consumer reads committed records only, so the stable part of the log reaches to its offset.
  if (position < end) throw new OffsetOutOfRangeError({ topic, partition }, end, logStart, position)
}

/** What the record's dead letter says of it; counted into the tally when `count`. */
export function letterOf(
  scope: PartitionScope,
  offset: bigint,
  count: boolean,
): 'pending' | 'replayed' | undefined {
  const letter = scope.letters.at(offset)
  if (count && letter === 'pending') scope.tally.deadLettered++
  if (count && letter === 'replayed') scope.tally.replayed++
  return letter
}
