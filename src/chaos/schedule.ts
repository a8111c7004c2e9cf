import { setTimeout as sleep } from 'node:timers/promises'
import { affectedSinks, type Fault, resourceOf, specOf } from './fault.ts'
import type { Injector } from './injector.ts'
import type { Monitor } from './monitor.ts'

/** Faults that go on at the same time, at the most: more of them would leave no moment to work in. */
const overlapping = 6

/** Milliseconds that a server which was killed has to be of use again, before it may be killed again. */
const breather = 60_000

/** What became of a planned fault. Times in milliseconds. */
export interface FaultOutcome {
  readonly fault: Fault
  /** After the start of the run. */
  readonly began: number
  /** From its beginning to its end. */
  readonly lasted: number
  /** False: there was nothing to hit in time. */
  readonly struck: boolean
  /**
   * From its end until of every partition something was stored that was produced after it (for faults of the producer: until it had
   * sent all it was to send). Other faults may have held that up, too. undefined: not before the end of the run.
   */
  readonly recovery: number | undefined
}

/** A fault that is over; resolves when it has been recovered from. */
interface Injected {
  readonly recovery: Promise<void>
}

/** Runs a plan: each fault at its moment, those of one resource one after the other. */
export class Schedule {
  readonly outcomes: FaultOutcome[] = []
  active = 0
  done = 0
  readonly #faults: readonly Fault[]
  readonly #injector: Injector
  readonly #monitor: Monitor
  readonly #sinks: readonly string[]
  readonly #signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #rounds: () => number
  readonly #journal: (event: string, fault: Fault) => void
  readonly #busy = new Map<string, Promise<void>>()
  readonly #recoveries: Promise<void>[] = []
  readonly #waiting: (() => void)[] = []

  constructor(
    faults: readonly Fault[],
    parts: {
      injector: Injector
      monitor: Monitor
      sinks: readonly string[]
      signal: AbortSignal
      journal: (event: string, fault: Fault) => void
      /** Rounds that the producer has finished. */
      rounds: () => number
    },
  ) {
    this.#faults = faults
    this.#injector = parts.injector
    this.#monitor = parts.monitor
    this.#sinks = parts.sinks
    this.#signal = AbortSignal.any([parts.signal, this.#ended.signal])
    this.#journal = parts.journal
    this.#rounds = parts.rounds
  }

  /** Resolves when the last fault is over; rejects with the first that cannot be injected at all. */
  async run(): Promise<void> {
    const start = performance.now()
    const all: Promise<unknown>[] = []
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => undefined)
    for (const fault of this.#faults) {
      await Promise.race([this.#pause(start + fault.at - performance.now()), failed.promise])
      if (this.#signal.aborted) break
      const resource = resourceOf(fault)
      const before = this.#busy.get(resource) ?? Promise.resolve()
      const task = before.then(() => this.#one(fault, start))
      task.catch(failed.reject)
      this.#busy.set(resource, this.#free(fault, task))
      all.push(task)
    }
    await Promise.all(all)
  }

  /** Resolves when every fault has been recovered from, or `signal` has aborted. */
  async recovered(): Promise<void> {
    await Promise.all(this.#recoveries)
  }

  /** What has not been recovered from by now counts as not recovered. */
  async end(): Promise<void> {
    this.#ended.abort()
    await this.recovered()
  }

  /** When the fault's resource may be hit again: at its end; a server that was killed, when it has been of use again. */
  async #free({ kind }: Fault, task: Promise<Injected | undefined>): Promise<void> {
    const injected = await task.catch(() => undefined)
    if (specOf(kind).resource !== 'server') return
    await Promise.race([injected?.recovery, this.#pause(breather)])
  }

  async #one(fault: Fault, start: number): Promise<Injected | undefined> {
    if (this.active >= overlapping) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#signal.aborted) return undefined
    this.active++
    const began = performance.now()
    this.#journal('begins', fault)
    try {
      const struck = await this.#injector.inject(fault)
      this.#journal(struck ? 'ends' : 'missed', fault)
      const ended = performance.now()
      const recovery = this.#note(fault, { began: began - start, ended, lasted: ended - began, struck })
      this.#recoveries.push(recovery)
      return { recovery }
    } finally {
      this.active--
      this.done++
      this.#waiting.shift()?.()
    }
  }

  async #note(
    fault: Fault,
    at: { readonly began: number; readonly ended: number; readonly lasted: number; readonly struck: boolean },
  ): Promise<void> {
    const { began, ended, lasted, struck } = at
    const done = struck && (await this.#recovery(fault, ended))
    const recovery = done ? performance.now() - ended : undefined
    if (done) this.#journal('recovered', fault)
    this.outcomes.push({ fault, began, lasted, struck, recovery })
  }

  /** True when it came; false when the run was over before. */
  async #recovery(fault: Fault, ended: number): Promise<boolean> {
    const monitor = this.#monitor
    await monitor.until(() => (monitor.log?.at ?? 0) > ended, this.#signal)
    const { log } = monitor
    const rounds = this.#rounds()
    if (this.#signal.aborted || log === undefined) return false
    const sinks = affectedSinks(fault, this.#sinks)
    await monitor.until(
      fault.target === 'producer'
        ? () => this.#rounds() > rounds
        : () => sinks.every((sink) => monitor.hasPassed(sink, log.ends)),
      this.#signal,
    )
    return !this.#signal.aborted
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(Math.max(0, milliseconds), undefined, { signal: this.#signal }).catch(() => undefined)
  }
}
