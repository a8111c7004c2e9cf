import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openProducer, openReader } from '../../../src/kafka/open.ts'
import type { GroupReaderOptions, Reader } from '../../../src/kafka/reader.ts'
import { type RecordBatch, type TopicPartition, tpName } from '../../../src/kafka/types.ts'
import { config, texts } from './fixture.ts'

/** Offsets as a sink would keep them: shared by the members, moved only by what was delivered. */
export class Positions {
  /** Rejects when a member failed, for those who wait for another one. */
  readonly #failure = Promise.withResolvers<never>()
  readonly #next = new Map<string, bigint>()

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

  advance(batch: RecordBatch): void {
    assert.equal(batch.firstOffset, this.of(batch), `${tpName(batch)}: no gap, no overlap`)
    this.#next.set(tpName(batch), batch.nextOffset)
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
  #changed = Promise.withResolvers<void>()
  readonly running: Promise<void>
  /** Awaited while the partitions are revoked. */
  onRevoke: () => Promise<void> = async () => {}
  /** Awaited with each batch before it counts. */
  onBatch: (batch: RecordBatch) => Promise<void> = async () => {}

  constructor(
    t: TestContext,
    positions: Positions,
    options: Omit<GroupReaderOptions, 'clientId'>,
    start = (tp: TopicPartition) => positions.of(tp),
  ) {
    this.reader = openReader(config, { clientId: 'test', sessionTimeout: 6_000, ...options })
    this.reader.onAssign(async (tps) => {
      this.assigned = new Set(tps.map(tpName))
      this.assignments++
      this.#notify()
      return new Map(tps.map((tp) => [tp, start(tp)]))
    })
    this.reader.onRevoke(async () => {
      this.assigned = new Set()
      this.#notify()
      await this.onRevoke()
    })
    this.reader.onPartitionError((tp, error) => {
      this.errors.push([tpName(tp), error])
      this.#notify()
    })
    this.running = this.#read(positions)
    this.running.catch((error) => positions.fail(error))
    this.#positions = positions
    t.after(() => this.reader.close())
  }

  async #read(positions: Positions): Promise<void> {
    for await (const batch of this.reader.batches()) {
      assert(this.assigned.has(tpName(batch)), 'a batch of a partition that is not ours')
      await this.onBatch(batch)
      positions.advance(batch)
      for (const { value } of batch.records) this.values.push(String(value))
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
): Promise<string[]> {
  const producer = openProducer(config, { clientId: 'test' })
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
