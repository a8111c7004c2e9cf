import { type ThreadError, toThreadError } from '../thread-error.ts'

/** What a lane depends on besides its partition. */
export type ServerName = 'database' | 'registry' | 'kafka'

/** closed: calls go through · open: nobody calls · half-open: one lane tries, the others wait. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** A server as one member of the group sees it. Times are ms since the epoch. */
export interface ServerHealth {
  readonly server: ServerName
  readonly breaker: BreakerState
  /** First failure since the last answer; undefined while it answers. */
  readonly since: number | undefined
  /** Failed attempts since then. */
  readonly attempts: number
  /** When the next attempt is made; undefined while the breaker is closed. */
  readonly nextTry: number | undefined
  /** How often the breaker opened. */
  readonly openings: number
  /** Milliseconds for which it was not closed, all openings together. */
  readonly awayMs: number
  /** It stayed away for longer than `--retry-for`. */
  readonly gaveUp: boolean
  /** The last failure; stays when the server is back. */
  readonly error: ThreadError | undefined
}

const order: readonly BreakerState[] = ['closed', 'half-open', 'open']

/** One server as all members see it: the worst state, the earliest times, the longest time away; openings and attempts added up. */
export function mergeHealth(all: readonly ServerHealth[]): ServerHealth[] {
  const byServer = new Map<ServerName, ServerHealth>()
  for (const health of all) {
    const before = byServer.get(health.server)
    byServer.set(health.server, before ? worse(before, health) : health)
  }
  return [...byServer.values()]
}

function worse(a: ServerHealth, b: ServerHealth): ServerHealth {
  return {
    server: a.server,
    breaker: order.indexOf(a.breaker) >= order.indexOf(b.breaker) ? a.breaker : b.breaker,
    since: earliest(a.since, b.since),
    attempts: a.attempts + b.attempts,
    nextTry: earliest(a.nextTry, b.nextTry),
    openings: a.openings + b.openings,
    awayMs: Math.max(a.awayMs, b.awayMs),
    gaveUp: a.gaveUp || b.gaveUp,
    error: a.since !== undefined ? a.error : (b.error ?? a.error),
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}

/** The counters behind a breaker; kept apart from who waits for it. */
export class HealthRecord {
  readonly #server: ServerName
  readonly #now: () => number
  #since: number | undefined
  #openedAt: number | undefined
  #attempts = 0
  #openings = 0
  #away = 0
  #error: Error | undefined
  gaveUp = false

  constructor(server: ServerName, now: () => number) {
    this.#server = server
    this.#now = now
  }

  get since(): number | undefined {
    return this.#since
  }

  get attempts(): number {
    return this.#attempts
  }

  get error(): Error | undefined {
    return this.#error
  }

  failed(error: Error): void {
    this.#since ??= this.#now()
    this.#attempts++
    this.#error = error
  }

  opened(): void {
    if (this.#openedAt !== undefined) return
    this.#openedAt = this.#now()
    this.#openings++
  }

  answered(): void {
    if (this.#openedAt !== undefined) this.#away += this.#now() - this.#openedAt
    this.#openedAt = undefined
    this.#since = undefined
    this.#attempts = 0
  }

  show(breaker: BreakerState, nextTry: number | undefined): ServerHealth {
    const open = this.#openedAt === undefined ? 0 : this.#now() - this.#openedAt
    return {
      server: this.#server,
      breaker,
      since: this.#since,
      attempts: this.#attempts,
      nextTry,
      openings: this.#openings,
      awayMs: this.#away + open,
      gaveUp: this.gaveUp,
      error: this.#error && toThreadError(this.#error),
    }
  }
}
