import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../errors.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import type { Sink, StoredOffset } from '../sink/sink.ts'

const pollInterval = 200

export interface MonitoredSink {
  readonly name: string
  readonly group: string
  readonly sink: Sink
}

/** One look at the log; `at`: performance.now() before it. */
export interface LogLook {
  readonly at: number
  readonly ends: ReadonlyMap<number, bigint>
}

export interface Stuck {
  readonly sink: string
  readonly partition: number
  /** Milliseconds for which its offset has not moved. */
  readonly for: number
  readonly stored: StoredOffset | undefined
  readonly end: bigint
}

/**
 * Looks again and again at the log's ends and at what each sink has stored, past the proxies. A server that is away is looked at
 * again: it is what this is for.
 */
export class Monitor {
  readonly #topic: string
  readonly #admin: KafkaAdmin
  readonly #sinks: readonly MonitoredSink[]
  readonly #stopping = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #stored = new Map<string, ReadonlyMap<number, StoredOffset>>()
  /** When a partition's offset last moved, or there was nothing to move for. */
  readonly #movedAt = new Map<string, number>()
  #log: LogLook | undefined
  /** When the log last grew. */
  #grewAt = performance.now()
  #loops: Promise<unknown> = Promise.resolve()

  constructor(topic: string, admin: KafkaAdmin, sinks: readonly MonitoredSink[]) {
    this.#topic = topic
    this.#admin = admin
    this.#sinks = sinks
  }

  /** `onError` hears of what is not a server that is away. */
  start(onError: (error: unknown) => void): void {
    this.#loops = Promise.all([
      this.#loop(() => this.#lookAtLog()),
      ...this.#sinks.map((sink) => this.#loop(() => this.#lookAtSink(sink))),
    ]).catch(onError)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loops
  }

  /** The last look at the log; undefined before the first one. */
  get log(): LogLook | undefined {
    return this.#log
  }

  /** Calls `look` after every look at a server, until it gives true. */
  until(look: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#listeners.delete(listener)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const listener = () => {
        if (look()) end()
      }
      this.#listeners.add(listener)
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  }

  /** Whether the sink has stored everything in front of `ends`. */
  hasStored(sink: string, ends: ReadonlyMap<number, bigint>): boolean {
    const stored = this.#stored.get(sink)
    return [...ends].every(([partition, end]) => end === 0n || (stored?.get(partition)?.offset ?? 0n) >= end)
  }

  /** Whether the sink has stored something of every partition that came after `ends`. */
  hasPassed(sink: string, ends: ReadonlyMap<number, bigint>): boolean {
    const stored = this.#stored.get(sink)
    return [...ends].every(([partition, end]) => (stored?.get(partition)?.offset ?? 0n) > end)
  }

  /** Offsets between what is stored and the log's end. */
  lag(sink: string): bigint {
    const stored = this.#stored.get(sink)
    const ends = [...(this.#log?.ends ?? [])]
    const behind = ends.map(([partition, end]) => end - (stored?.get(partition)?.offset ?? 0n))
    // A sink may have been looked at later than the log.
    return behind.reduce((sum, offsets) => (offsets > 0n ? sum + offsets : sum), 0n)
  }

  /** Records and markers in the log. */
  get logSize(): bigint {
    return [...(this.#log?.ends.values() ?? [])].reduce((sum, end) => sum + end, 0n)
  }

  /** Partitions that have something to store and have stored nothing for so many milliseconds. */
  stuck(milliseconds: number): Stuck[] {
    const now = performance.now()
    return this.#sinks.flatMap(({ name }) =>
      [...(this.#log?.ends ?? [])].flatMap(([partition, end]) => {
        const stored = this.#stored.get(name)?.get(partition)
        const still = now - (this.#movedAt.get(`${name} ${partition}`) ?? now)
        const behind = (stored?.offset ?? 0n) < end
        return behind && still > milliseconds ? [{ sink: name, partition, for: still, stored, end }] : []
      }),
    )
  }

  /** Milliseconds for which the log has not grown. */
  get silence(): number {
    return performance.now() - this.#grewAt
  }

  async #loop(look: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await look()
        for (const listener of this.#listeners) listener()
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error
      }
      await sleep(pollInterval, undefined, { signal }).catch(() => undefined)
    }
  }

  async #lookAtLog(): Promise<void> {
    const at = performance.now()
    const before = this.logSize
    this.#log = { at, ends: await this.#admin.endOffsets(this.#topic) }
    if (this.logSize > before) this.#grewAt = performance.now()
  }

  async #lookAtSink({ name, group, sink }: MonitoredSink): Promise<void> {
    const before = this.#stored.get(name)
    const stored = await sink.offsets(this.#topic, group)
    const now = performance.now()
    for (const [partition, end] of this.#log?.ends ?? []) {
      const key = `${name} ${partition}`
      const offset = stored.get(partition)?.offset ?? 0n
      const moved = offset !== (before?.get(partition)?.offset ?? 0n) || offset >= end
      if (moved || !this.#movedAt.has(key)) this.#movedAt.set(key, now)
    }
    this.#stored.set(name, stored)
  }
}
