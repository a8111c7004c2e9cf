import { setTimeout as sleep } from 'node:timers/promises'
import { UnexpectedError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import type { ServiceName } from '../stack/state.ts'
import type { Clocks } from './clock.ts'
import type { Consumer } from './consumers.ts'
import type { EtlProcess } from './etl-process.ts'
import type { Fault } from './fault.ts'
import type { Links } from './links.ts'
import type { Producer } from './producer.ts'
import type { CommitFault } from './proxied-connection.ts'
import type { FaultProxy } from './proxy.ts'
import type { OwnServers } from './servers.ts'
import { rebalanceStorm } from './storm.ts'

/** Milliseconds that a fault waits for what it needs: a running process, an answer. Then it has missed. */
const patience = 10_000
/** The same for a COMMIT: there is none while a broker is being started. */
const commitPatience = 30_000

/** Milliseconds that a freeze waits for rows to be written. */
const writePatience = 3_000

export interface InjectorParts {
  readonly kafka: KafkaConfig
  readonly topic: string
  /** Milliseconds. */
  readonly sessionTimeout: number
  /** Consumer group by sink. */
  readonly groups: ReadonlyMap<string, string>
  readonly consumers: readonly Consumer[]
  readonly producer: Producer
  readonly clocks: Clocks
  readonly links: Links
  /** undefined: the servers are somebody else's. */
  readonly servers: OwnServers | undefined
  /** Ends everything that lasts, and every wait. */
  readonly signal: AbortSignal
}

/** Does to processes, servers and connections what a fault says. */
export class Injector {
  readonly #parts: InjectorParts

  constructor(parts: InjectorParts) {
    this.#parts = parts
  }

  /** Resolves when the fault is over: to false when it missed, for there was nothing to hit in time. */
  async inject(fault: Fault): Promise<boolean> {
    switch (fault.kind) {
      case 'consumer-kill':
        return await this.#toConsumer(fault, async (process) => process.signal('SIGKILL'))
      case 'consumer-freeze':
        return await this.#toConsumer(fault, (process) => this.#freezeAtWrite(process, fault))
      case 'thread-end':
        return await this.#toConsumer(fault, async (process) => process.endThread(fault.amount))
      case 'clock-step':
        return await this.#stepClock(fault)
      case 'producer-kill':
        return await this.#toProducer(fault, async (process) => process.signal('SIGKILL'))
      case 'producer-freeze':
        return await this.#toProducer(fault, (process) => this.#freeze(process, fault.lasts))
      case 'rebalance-storm':
        return await this.#storm(fault)
      case 'broker-kill':
      case 'database-kill':
      case 'registry-kill':
        return await this.#killServer(fault)
      default:
        return await this.#disturbLink(fault)
    }
  }

  async #toConsumer({ target }: Fault, hit: (process: EtlProcess) => Promise<void>): Promise<boolean> {
    const consumer = this.#parts.consumers.find(({ name }) => name === target)
    const process = await this.#awaited(() => consumer?.process)
    if (process === undefined) return false
    await hit(process)
    return true
  }

  /** Hits a producer so many milliseconds after its start; one that ends earlier is followed by the next. */
  async #toProducer({ amount }: Fault, hit: (process: EtlProcess) => Promise<void>): Promise<boolean> {
    const { producer, signal } = this.#parts
    const deadline = performance.now() + patience
    for (let wait = amount; performance.now() < deadline && !signal.aborted; wait /= 2) {
      const process =
        producer.process ?? (await Promise.race([producer.next(), this.#pause(deadline - performance.now())]))
      if (!process) return false
      await Promise.race([this.#pause(wait), process.exited])
      if (!process.alive) continue
      await hit(process)
      return true
    }
    return false
  }

  /** While it writes rows, if it does so soon: a zombie then wakes up in the middle of a transaction. */
  async #freezeAtWrite(process: EtlProcess, { target, lasts }: Fault): Promise<void> {
    const way = this.#parts.links.wayOf(target)
    const stop = () => process.signal('SIGSTOP')
    const { signal } = this.#parts
    await way?.atWrite(stop, AbortSignal.any([signal, AbortSignal.timeout(writePatience)]))
    await this.#freeze(process, lasts)
  }

  async #freeze(process: EtlProcess, lasts: number): Promise<void> {
    process.signal('SIGSTOP')
    await this.#pause(lasts)
    process.signal('SIGCONT')
  }

  async #stepClock({ target, amount, lasts }: Fault): Promise<boolean> {
    await this.#parts.clocks.step(target, amount)
    await this.#pause(lasts)
    await this.#parts.clocks.step(target, 0)
    return true
  }

  async #storm({ target, amount, lasts }: Fault): Promise<boolean> {
    const { groups, ...parts } = this.#parts
    await rebalanceStorm({ ...parts, group: groups.get(target) ?? '', members: amount, lasts })
    return true
  }

  async #killServer({ target, lasts }: Fault): Promise<boolean> {
    const { servers } = this.#parts
    if (servers === undefined) throw new UnexpectedError(`${target} is not a server of this run`)
    await servers.kill(target as ServiceName)
    await this.#pause(lasts)
    await servers.restart(target as ServiceName)
    return true
  }

  async #disturbLink({ kind, target, lasts, amount }: Fault): Promise<boolean> {
    const proxies = this.#parts.links.of(target)
    switch (kind) {
      case 'link-cut':
        return proxies.filter((proxy) => proxy.cut(amount) > 0).length > 0
      case 'link-delay':
        return await this.#during(lasts, proxies, (proxy, on) => proxy.delay(on ? amount : 0))
      case 'link-black-hole':
        return await this.#during(lasts, proxies, (proxy, on) => proxy.blackHole(on))
      case 'link-half-open':
        return await this.#halfOpen(proxies, lasts)
      case 'link-refuse':
        return await this.#during(lasts, proxies, (proxy, on) => (on ? proxy.refuse() : proxy.accept()))
      case 'reply-lost':
        return await this.#within(patience, (signal) =>
          firstOf(proxies.map((proxy) => proxy.loseReply(signal))),
        )
      case 'commit-unsent':
        return await this.#loseCommit(proxies, { kind: 'unsent' })
      case 'commit-unanswered':
        return await this.#loseCommit(proxies, { kind: 'unanswered' })
      case 'commit-late':
        return await this.#loseCommit(proxies, { kind: 'late', by: amount })
      default:
        throw new UnexpectedError(`${kind} does not disturb a connection`)
    }
  }

  async #during(
    lasts: number,
    proxies: readonly FaultProxy[],
    disturb: (proxy: FaultProxy, on: boolean) => void | Promise<void>,
  ): Promise<boolean> {
    await Promise.all(proxies.map((proxy) => disturb(proxy, true)))
    await this.#pause(lasts)
    await Promise.all(proxies.map((proxy) => disturb(proxy, false)))
    return true
  }

  async #halfOpen(proxies: readonly FaultProxy[], lasts: number): Promise<boolean> {
    const halves = proxies.map((proxy) => proxy.halfOpen())
    await this.#pause(lasts)
    for (const half of halves) half.end()
    return true
  }

  #loseCommit(proxies: readonly FaultProxy[], fault: CommitFault): Promise<boolean> {
    return this.#within(commitPatience, (signal) =>
      firstOf(proxies.map((proxy) => proxy.loseCommit(fault, signal))),
    )
  }

  async #within(milliseconds: number, work: (signal: AbortSignal) => Promise<boolean>): Promise<boolean> {
    const over = new AbortController()
    try {
      return await work(AbortSignal.any([this.#parts.signal, AbortSignal.timeout(milliseconds), over.signal]))
    } finally {
      // Of several proxies one has struck; the others are not to.
      over.abort()
    }
  }

  async #awaited<T>(look: () => T | undefined): Promise<T | undefined> {
    const deadline = performance.now() + patience
    for (;;) {
      const found = look()
      if (found !== undefined || performance.now() > deadline || this.#parts.signal.aborted) return found
      await this.#pause(50)
    }
  }

  /** Waits; an abort ends the wait. */
  async #pause(milliseconds: number): Promise<undefined> {
    const { signal } = this.#parts
    await sleep(Math.max(0, milliseconds), undefined, { signal }).catch(() => undefined)
  }
}

/** True as soon as one of them is. */
async function firstOf(attempts: readonly Promise<boolean>[]): Promise<boolean> {
  const misses = attempts.map(async (attempt) => {
    if (await attempt) return true
    throw new Error('missed')
  })
  return await Promise.any(misses).catch(() => false)
}
