import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareSinks } from './compare.ts'
import { Endings } from './endings.ts'
import { Injector } from './injector.ts'
import { journalOf } from './journal.ts'
import { checkProduced } from './produced.ts'
import { type ChaosReport, exitsOf, summarizeKinds, verdictOf } from './report.ts'
import type { ChaosProgress, ChaosRequest } from './request.ts'
import { Schedule } from './schedule.ts'
import { prepareSetting, type Setting } from './setting.ts'
import { producerStalled, watchForStalls } from './stalled.ts'

/** Milliseconds for which records go on flowing after the last fault, so that recoveries can be seen. */
const recoveryPatience = 60_000
/** Milliseconds that the producer has to finish its last round. */
const finishPatience = 180_000
const tellInterval = 250

/**
 * Injects the faults while producing and consuming, waits until all is consumed, and compares log and rows. What it started is ended and
 * what it made is removed, whatever happens; the logs stay when the run does not end well. Throws StalledError when something waits for
 * ever, and what the parts throw.
 */
export async function runChaos(request: ChaosRequest): Promise<ChaosReport> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-chaos-'))
  const endings = new Endings(request.note)
  const run = new ChaosRun(request, folder, endings)
  let verdict: ChaosReport['verdict'] | undefined
  try {
    const report = await run.perform()
    verdict = report.verdict
    return report
  } finally {
    await endings.run()
    if (!request.keepLogs && (verdict === 'ok' || verdict === 'interrupted'))
      await rm(folder, { recursive: true, force: true })
    else request.note(`logs: ${join(folder, 'logs')}`)
  }
}

class ChaosRun {
  readonly #request: ChaosRequest
  readonly #folder: string
  readonly #endings: Endings
  readonly #topic: string
  readonly #started = performance.now()
  readonly #failure = Promise.withResolvers<never>()
  /** Aborted when the run is over: ends faults, waits and watches. */
  readonly #over = new AbortController()
  readonly #fail = (error: unknown) => this.#failure.reject(error)

  constructor(request: ChaosRequest, folder: string, endings: Endings) {
    this.#request = request
    this.#folder = folder
    this.#endings = endings
    this.#topic = `chaos_${request.seed}_${Date.now().toString(36)}`
    this.#failure.promise.catch(() => undefined)
  }

  async perform(): Promise<ChaosReport> {
    const { signal } = this.#request
    const interrupted = new Promise<'interrupted'>((resolve) => {
      signal.addEventListener('abort', () => resolve('interrupted'), { once: true })
      if (signal.aborted) resolve('interrupted')
    })
    try {
      const outcome = await Promise.race([this.#perform(), this.#failure.promise, interrupted])
      return outcome === 'interrupted' ? this.#report({ verdict: 'interrupted' }) : outcome
    } finally {
      this.#over.abort()
    }
  }

  async #perform(): Promise<ChaosReport> {
    const { note, partitions, faults } = this.#request
    const at = { folder: this.#folder, topic: this.#topic }
    const setting = await prepareSetting(this.#request, at, this.#endings)
    await writeFile(join(this.#folder, 'logs', 'plan.json'), JSON.stringify(faults, null, 1))
    note(`topic and tables ${this.#topic}, ${partitions} partitions`)
    note(`logs in ${join(this.#folder, 'logs')}`)
    await this.#start(setting)
    const schedule = await this.#disturb(setting)
    await this.#drain(setting, schedule)
    const sinks = await compareSinks(setting, this.#topic, this.#over.signal)
    const { producer, trickle, consumers } = setting.workload
    const { rounds } = producer.totals
    const produced = await checkProduced(setting.places.kafka, this.#topic, rounds, trickle.totals)
    const outcomes = [...schedule.outcomes].sort((a, b) => a.fault.number - b.fault.number)
    return this.#report({
      verdict: verdictOf(sinks, produced, outcomes),
      sinks,
      produced,
      outcomes,
      kinds: summarizeKinds(outcomes),
      exits: exitsOf(consumers),
    })
  }

  /** Until what was produced first is stored everywhere. */
  async #start({ workload, monitor, sinks }: Setting): Promise<void> {
    const { consumers, producer, trickle } = workload
    const { signal } = this.#over
    monitor.start(this.#fail)
    for (const part of [producer, trickle, ...consumers]) part.start(this.#fail)
    watchForStalls({ monitor, consumers, producer, patience: this.#request.patience, signal }).catch(
      this.#fail,
    )
    await monitor.until(() => monitor.logSize > 0n, signal)
    const ends = monitor.log?.ends ?? new Map<number, bigint>()
    await monitor.until(() => sinks.every(({ name }) => monitor.hasStored(name, ends)), signal)
  }

  async #disturb(setting: Setting): Promise<Schedule> {
    const { workload, places, servers, monitor, sinks } = setting
    const { sessionTimeout, faults } = this.#request
    const { signal } = this.#over
    const topic = this.#topic
    const parts = { ...workload, kafka: places.kafka, topic, sessionTimeout, servers, signal }
    const schedule = new Schedule(faults, {
      injector: new Injector(parts),
      monitor,
      sinks: sinks.map(({ name }) => name),
      signal,
      rounds: () => workload.producer.totals.rounds,
      journal: journalOf(join(this.#folder, 'logs', 'faults.log')),
    })
    await this.#telling('faults', setting, schedule, () => schedule.run())
    return schedule
  }

  /** No more faults: everything that was produced must be stored. */
  async #drain(setting: Setting, schedule: Schedule): Promise<void> {
    const { monitor, sinks, workload } = setting
    const { signal } = this.#over
    await this.#telling('drain', setting, schedule, async () => {
      await workload.links.heal()
      await Promise.race([schedule.recovered(), pause(recoveryPatience, signal)])
      await schedule.end()
      await this.#finishProducing(setting)
      const now = performance.now()
      await monitor.until(() => (monitor.log?.at ?? 0) > now, signal)
      await monitor.until(() => sinks.every(({ name }) => monitor.lag(name) === 0n), signal)
    })
    await Promise.all(workload.consumers.map((consumer) => consumer.stop()))
  }

  async #finishProducing({ workload }: Setting): Promise<void> {
    const { producer, trickle } = workload
    const over = new AbortController()
    const late = pause(finishPatience, AbortSignal.any([over.signal, this.#over.signal])).then(async () => {
      if (!over.signal.aborted) this.#fail(await producerStalled(producer, finishPatience))
    })
    await Promise.all([producer.finish(), trickle.stop()])
    over.abort()
    await late
  }

  async #telling<T>(
    phase: ChaosProgress['phase'],
    { monitor, sinks }: Setting,
    schedule: Schedule,
    work: () => Promise<T>,
  ): Promise<T> {
    const { faults, onProgress } = this.#request
    const timer = setInterval(() => {
      const lag = Object.fromEntries(sinks.map(({ name }) => [name, monitor.lag(name)]))
      const { done, active } = schedule
      onProgress({ phase, done, active, faults: faults.length, logSize: monitor.logSize, lag })
    }, tellInterval)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  }

  #report(parts: Partial<ChaosReport> & Pick<ChaosReport, 'verdict'>): ChaosReport {
    const { seed, faults, partitions } = this.#request
    return {
      seed,
      faults: faults.length,
      topic: this.#topic,
      partitions,
      seconds: (performance.now() - this.#started) / 1000,
      kinds: [],
      sinks: [],
      produced: undefined,
      exits: {},
      outcomes: [],
      ...parts,
    }
  }
}

/** Waits; an abort ends the wait. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined)
}
