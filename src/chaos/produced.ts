import type { KafkaConfig } from '../kafka/config.ts'
import { openAdmin, openPartitionReader } from '../kafka/open.ts'
import { roundRecords } from './producer.ts'
import { abortedPrefix, type TrickleTotals, tricklePrefix } from './trickle.ts'

/** What the log holds of what the producers said they had sent. Numbers of records. */
export interface ProducedCheck {
  /** Runs of `etl produce --resume` that came to their end. */
  readonly rounds: number
  /** Must be in the log: rounds, and transactions whose commit was acknowledged. */
  readonly promised: number
  readonly inLog: number
  readonly lost: number
  readonly doubled: number
  /** Of aborted transactions, sent; and of these delivered to a reader all the same. */
  readonly aborted: number
  readonly leaked: number
}

/** Reads the key of every committed record and compares with what was promised. */
export async function checkProduced(
  kafka: KafkaConfig,
  topic: string,
  rounds: number,
  trickle: TrickleTotals,
): Promise<ProducedCheck> {
  return compareProduced(await countKeys(kafka, topic), rounds, roundRecords, trickle)
}

/** How often each key is in the log. */
async function countKeys(kafka: KafkaConfig, topic: string): Promise<Map<string, number>> {
  const admin = openAdmin(kafka)
  const reader = openPartitionReader(kafka)
  const counts = new Map<string, number>()
  try {
    for (const [partition, end] of await admin.endOffsets(topic)) {
      for await (const { records } of reader.read({ topic, partition }, 0n, end)) {
        for (const { key } of records) {
          const text = key?.toString() ?? ''
          counts.set(text, (counts.get(text) ?? 0) + 1)
        }
      }
    }
    return counts
  } finally {
    await Promise.all([admin.close(), reader.close()])
  }
}

/**
 * Each round sends the numbers from 0 on, each once: every number must be there as often as there were rounds. A key of the trickle must
 * be there once, or not at all where its commit was not answered.
 */
export function compareProduced(
  counts: ReadonlyMap<string, number>,
  rounds: number,
  perRound: number,
  trickle: TrickleTotals,
): ProducedCheck {
  let [inLog, leaked, lost, doubled] = [0, 0, 0, 0]
  for (const [key, count] of counts) {
    inLog += count
    const wanted = isRoundKey(key, perRound) ? rounds : key.startsWith(tricklePrefix) ? 1 : 0
    if (key.startsWith(abortedPrefix)) leaked += count
    else doubled += Math.max(0, count - wanted)
  }
  const count = (key: string) => counts.get(key) ?? 0
  for (let number = 0; number < perRound; number++) lost += Math.max(0, rounds - count(String(number)))
  for (const key of trickle.committed) if (count(key) === 0) lost++
  const promised = rounds * perRound + trickle.committed.size
  return { rounds, promised, inLog, lost, doubled, aborted: trickle.aborted, leaked }
}

function isRoundKey(key: string, perRound: number): boolean {
  return /^\d+$/.test(key) && Number(key) < perRound
}
