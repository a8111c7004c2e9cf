import { setTimeout as sleep } from 'node:timers/promises'
import { EtlError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import { openReader } from '../kafka/open.ts'

export interface Storm {
  readonly kafka: KafkaConfig
  readonly topic: string
  readonly group: string
  /** Milliseconds. */
  readonly sessionTimeout: number
  readonly members: number
  /** Milliseconds from the first join to the last leave. */
  readonly lasts: number
}

/**
 * Members that join the group one after the other and leave it soon. They claim nothing and read nothing, so that what they are given
 * meanwhile stands still: each join and each leave makes the group rebalance.
 */
export async function rebalanceStorm(storm: Storm): Promise<void> {
  const share = storm.lasts / (storm.members + 1)
  await Promise.all(
    Array.from({ length: storm.members }, async (_, i) => {
      await sleep(i * share)
      await passBy(storm, 2 * share)
    }),
  )
}

async function passBy({ kafka, topic, group, sessionTimeout }: Storm, stays: number): Promise<void> {
  const reader = openReader(kafka, { group, topics: [topic], clientId: 'etl-chaos', sessionTimeout })
  reader.onAssign(async () => new Map())
  const reading = read(reader.batches())
  await sleep(stays)
  await reader.close()
  await reading
}

async function read(batches: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of batches);
  } catch (error) {
    // Another fault has taken the brokers away: one member less.
    if (!(error instanceof EtlError)) throw error
  }
}
