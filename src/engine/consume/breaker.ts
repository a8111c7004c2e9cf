import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../../errors.ts'
import { backoffDelay } from '../backoff.ts'
import { type BreakerState, HealthRecord, type ServerHealth, type ServerName } from './server-health.ts'

/** Failures in a row, of all lanes together, that open the breaker: one cut connection is no outage. */
const threshold = 3

export interface BreakerOptions {
  /** Milliseconds for which a server may be away before calls give up; undefined: for ever. */
  readonly retryFor?: number | undefined
  /**
   * Failures that say nothing of this server as a whole (a lock held by somebody): only the lane that met one waits. Gives the server that
   * it waits for; undefined: the failure counts.
   */
  readonly localTo?: (error: UnreachableError) => ServerName | undefined
  /** Milliseconds before the next attempt, after `attempt` failures. */
  readonly delay?: (attempt: number) => number
}

/** Told at the beginning of every wait. */
export interface Wait {
  readonly server: ServerName
  readonly error: Error
  /** Failed attempts so far. */
  readonly attempts: number
  /** ms since the epoch. */
  readonly nextTry: number
}

interface Waiter {
  readonly onWait: () => void
  /** undefined: the server answers again, all go on; else this one makes the attempt for all. */
  readonly resume: (turn: 'go' | 'probe') => void
  readonly reject: (error: unknown) => void
}

/**
 * A circuit breaker before one server, shared by the lanes of a member. While it is closed calls go through, and one that rejects with
 * UnreachableError is repeated after a pause of its own. After three failures in a row it opens: nobody calls any more, until one of those
 * who wait makes the next attempt, after a pause that grows with every failure. When that succeeds all go on; when it fails the next in line has the turn.
 *
 * Libraries for this (cockatiel, opossum) reject calls while the breaker is open. Here a call has to wait, be woken, be stopped, and say
 * when it will be tried again, which leaves a library nothing to do.
 */
export class Breaker {
  readonly #server: ServerName
  readonly #options: BreakerOptions
  readonly #delay: (attempt: number) => number
  readonly #health: HealthRecord
  readonly #waiters: Waiter[] = []
  #state: BreakerState = 'closed'
  #nextTry: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(server: ServerName, options: BreakerOptions = {}) {
    this.#server = server
    this.#options = options
    this.#delay = options.delay ?? backoffDelay
    this.#health = new HealthRecord(server, Date.now)
  }

  get health(): ServerHealth {
    return this.#health.show(this.#state, this.#nextTry)
  }

  /**
   * Calls `f` until it does not reject with UnreachableError. Rejects with that error when `signal` aborts, or when the server was away for
   * longer than `retryFor`. Other errors are passed on: the server did answer.
   */
  async run<T>(f: () => Promise<T>, signal: AbortSignal, onWait: (wait: Wait) => void): Promise<T> {
    let localSince: number | undefined
    for (let attempt = 0; ; attempt++) {
      const probe = this.#state !== 'closed' && (await this.#turn(signal, onWait)) === 'probe'
      try {
        const result = await f()
        this.#answered()
        return result
      } catch (error) {
        if (signal.aborted) {
          // It says nothing of the server: the next in line makes the attempt.
          if (probe) this.#passOn()
          throw error
        }
        if (!(error instanceof UnreachableError)) {
          this.#answered()
          throw error
        }
        if (this.#localTo(error) !== undefined) {
          this.#answered()
          localSince ??= Date.now()
          await this.#pause(error, { attempt, since: localSince }, signal, onWait)
          continue
        }
        this.#failed(error, probe)
        const { since = Date.now(), attempts } = this.#health
        if (this.#state === 'closed')
          await this.#pause(error, { attempt: attempts - 1, since }, signal, onWait)
      }
    }
  }

  /** Waits alone; a stop rejects with the failure that it waits for, and so does the end of patience. */
  async #pause(
    error: UnreachableError,
    { attempt, since }: { attempt: number; since: number },
    signal: AbortSignal,
    onWait: (wait: Wait) => void,
  ): Promise<void> {
    const left = this.#patience(since)
    if (left <= 0) throw this.#gaveUp(error)
    const ms = Math.min(this.#delay(attempt), left)
    const server = this.#localTo(error) ?? this.#server
    onWait({ server, error, attempts: attempt + 1, nextTry: Date.now() + ms })
    await sleep(ms, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) throw error
  }

  /** Waits in line for the server to come back, or for the turn to try. */
  #turn(signal: AbortSignal, onWait: (wait: Wait) => void): Promise<'go' | 'probe'> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener('abort', stop)
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
        // Without anybody in line the timer would keep the process alive for nothing.
        this.#schedule()
      }
      const stop = (): void => {
        leave()
        reject(this.#health.error)
      }
      const waiter: Waiter = {
        onWait: () => onWait(this.#wait()),
        resume: (turn) => {
          leave()
          resolve(turn)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop)
      this.#waiters.push(waiter)
      waiter.onWait()
      this.#schedule()
    })
  }

  #wait(): Wait {
    const { error, attempts } = this.#health
    return {
      server: this.#server,
      error: error ?? new UnreachableError(`the ${this.#server} is away`),
      attempts,
      nextTry: this.#nextTry ?? Date.now(),
    }
  }

  #answered(): void {
    this.#health.answered()
    this.#state = 'closed'
    this.#nextTry = undefined
    clearTimeout(this.#timer)
    for (const waiter of [...this.#waiters]) waiter.resume('go')
  }

  #failed(error: UnreachableError, probe: boolean): void {
    this.#health.failed(error)
    const { since = Date.now(), attempts } = this.#health
    // A call that was under way when the breaker opened changes nothing.
    if (this.#state !== 'closed' && !probe) return
    if (this.#state === 'closed' && attempts < threshold) return
    const left = this.#patience(since)
    if (left <= 0) {
      this.#state = 'open'
      this.#health.opened()
      this.#health.gaveUp = true
      const gaveUp = this.#gaveUp(error)
      for (const waiter of [...this.#waiters]) waiter.reject(gaveUp)
      throw gaveUp
    }
    this.#health.opened()
    this.#open(Math.min(this.#delay(attempts - 1), left))
    for (const waiter of this.#waiters) waiter.onWait()
  }

  #open(ms: number): void {
    this.#state = 'open'
    this.#nextTry = Date.now() + ms
    this.#schedule()
  }

  #passOn(): void {
    this.#open(0)
  }

  /** Nobody in line: then whoever comes next makes the attempt. */
  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#state !== 'open' || this.#waiters.length === 0) return
    this.#timer = setTimeout(
      () => {
        const [first] = this.#waiters
        if (first === undefined || this.#state !== 'open') return
        this.#state = 'half-open'
        first.resume('probe')
      },
      Math.max(0, (this.#nextTry ?? 0) - Date.now()),
    )
  }

  #localTo(error: UnreachableError): ServerName | undefined {
    return this.#options.localTo?.(error)
  }

  /** Milliseconds that the server may still be away. */
  #patience(since: number): number {
    const { retryFor } = this.#options
    return retryFor === undefined ? Number.POSITIVE_INFINITY : since + retryFor - Date.now()
  }

  #gaveUp(error: UnreachableError): UnreachableError {
    this.#health.gaveUp ||= this.#localTo(error) === undefined
    const seconds = Math.round((this.#options.retryFor ?? 0) / 1000)
    return new UnreachableError(`gave up after ${seconds} s (--retry-for): ${error.message}`, {
      where: error.where,
      cause: error.cause,
      next: `${error.next ?? 'look at the server'}; the same command goes on from the stored offsets`,
    })
  }
}
