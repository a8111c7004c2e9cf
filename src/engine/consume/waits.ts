import { type ThreadError, toThreadError } from '../thread-error.ts'
import type { Breaker, Wait } from './breaker.ts'
import type { LaneProgress, Waiting } from './job.ts'

/** What one partition waits for now, and has waited so far. */
export class Waits {
  readonly #onChange: () => void
  #current: { readonly wait: Wait; readonly since: number } | undefined
  #count = 0
  #past = 0

  /** `onChange` is called when a wait begins and when it ends. */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** `breaker.run`, with its waits counted here. */
  async guard<T>(breaker: Breaker, f: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await breaker.run(f, signal, (wait) => this.#begin(wait))
    } finally {
      this.#end()
    }
  }

  get isWaiting(): boolean {
    return this.#current !== undefined
  }

  get error(): ThreadError | undefined {
    return this.#current && toThreadError(this.#current.wait.error)
  }

  progress(): Pick<LaneProgress, 'waiting' | 'waits' | 'waitedMs'> {
    const now = this.#current ? Date.now() - this.#current.since : 0
    return { waiting: this.#shown(), waits: this.#count, waitedMs: this.#past + now }
  }

  #shown(): Waiting | undefined {
    if (!this.#current) return undefined
    const { wait, since } = this.#current
    return { server: wait.server, since, attempts: wait.attempts, nextTry: wait.nextTry }
  }

  #begin(wait: Wait): void {
    const first = this.#current === undefined
    this.#current = { wait, since: this.#current?.since ?? Date.now() }
    if (!first) return
    this.#count++
    this.#onChange()
  }

  #end(): void {
    if (!this.#current) return
    this.#past += Date.now() - this.#current.since
    this.#current = undefined
    this.#onChange()
  }
}
