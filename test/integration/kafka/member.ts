import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { openProducer } from '../../../src/kafka/open.ts'
import type { Reader } from '../../../src/kafka/reader.ts'
import { type RecordBatch, type TopicPartition, tpName } from '../../../src/kafka/types.ts'
import { config, type Scope, texts } from './fixture.ts'

/**
 * Offsets as a sink would keep them: shared by the members, moved only by what was delivered. As in a sink, each claim starts a new
 * epoch, and who holds an older one is fenced: its late batches count for nothing.
 */
export class Positions {
  /** Rejects when a member failed, for those who wait for another one. */
  readonly #failure = Promise.withResolvers<never>()
  readonly #next = new Map<string, bigint>()
  readonly #epochs = new Map<string, number>()
  /** Batches that were refused because somebody else had claimed their partition. */
  fenced = 0

  constructor() {
    this.#failure.promise.catch(() => undefined)
  }

  get failure(): Promise<never> {
    return this.#failure.promise
  }

  fail(error: unknown): void {
    this.#failure.reject(error)
  }

  of(tp: TopicPartition): bigint {
    return this.#next.get(tpName(tp)) ?? 0n
  }

  claim(tp: TopicPartition): number {
    const epoch = (this.#epochs.get(tpName(tp)) ?? 0) + 1
    this.#epochs.set(tpName(tp), epoch)
    return epoch
  }

  /** False when the epoch is over. */
  advance(batch: RecordBatch, epoch: number): boolean {
    if (this.#epochs.get(tpName(batch)) !== epoch) {
      this.fenced++
      return false
    }
    assert.equal(batch.firstOffset, this.of(batch), `${tpName(batch)}: no gap, no overlap`)
    this.#next.set(tpName(batch), batch.nextOffset)
    return true
  }
}

/** A member that reads into `positions` until it is closed. */
export class Member {
  readonly reader: Reader
  readonly values: string[] = []
  readonly errors: [string, Error][] = []
  assigned = new Set<string>()
  assignments = 0
  readonly #positions: Positions
  readonly #epochs = new Map<string, number>()
  #changed = Promise.withResolvers<void>()
  readonly running: Promise<void>
  /** Awaited while the partitions are revoked. */
  onRevoke: () => Promise<void> = async () => {}
  /** Awaited with each batch before it counts. */
  onBatch: (batch: RecordBatch) => Promise<void> = async () => {}

  constructor(
    t: Scope,
    reader: Reader,
    positions: Positions,
    start = (tp: TopicPartition) => positions.of(tp),
  ) {
    this.reader = reader
    reader.onAssign(async (tps) => {
      this.assigned = new Set(tps.map(tpName))
      this.assignments++
      for (const tp of tps) this.#epochs.set(tpName(tp), positions.claim(tp))
      this.#notify()
      return new Map(tps.map((tp) => [tp, start(tp)]))
    })
    reader.onRevoke(async () => {
      this.assigned = new Set()
      this.#notify()
      await this.onRevoke()
    })
    reader.onPartitionError((tp, error) => {
      this.errors.push([tpName(tp), error])
      this.#notify()
    })
    this.running = this.#read(positions)
    this.running.catch((error) => positions.fail(error))
    this.#positions = positions
    t.after(() => reader.close())
  }

  async #read(positions: Positions): Promise<void> {
    for await (const batch of this.reader.batches()) {
      assert(this.assigned.has(tpName(batch)), 'a batch of a partition that is not ours')
      const epoch = this.#epochs.get(tpName(batch)) ?? 0
      await this.onBatch(batch)
      if (positions.advance(batch, epoch)) {
        for (const { value } of batch.records) this.values.push(String(value))
      }
      this.#notify()
    }
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** Resolves when `condition` holds; rejects when this member or another one failed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      // The condition may look at other members, too, whose changes this one does not hear of.
      await Promise.race([this.#changed.promise, delay(20), this.#positions.failure])
    }
  }
}

export async function fill(
  topic: string,
  partitions: number,
  perPartition: number,
  from = 0,
  cluster = config,
): Promise<string[]> {
  // Not compressed, so that clients without codecs can read it, too.
  const producer = openProducer(cluster, { clientId: 'test', compression: 'none' })
  const sent: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const records = texts(from + partition * perPartition, perPartition)
    // Awaited one by one, so that the log has batches of 100 records.
    for (let at = 0; at < perPartition; at += 100) {
      await producer.send(topic, partition, records.slice(at, at + 100))
    }
    sent.push(...records.map(({ value }) => String(value)))
  }
  await producer.close()
  return sent.sort()
}
