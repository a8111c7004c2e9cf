import { isTransient, protocolErrorType } from '../cluster/failures.ts'
import type { Membership } from './membership.ts'

/** Why an assignment ends: the group rebalances, or it goes on without this member. */
export type Ending = 'rebalance' | 'lost'

const lossTypes = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

/** The group has no such member (any more), or has gone on to another generation. */
export function isLoss(error: unknown): boolean {
  return lossTypes.has(protocolErrorType(error) ?? '')
}

/**
 * Tells the coordinator that this member lives, by a timer of its own: whatever the consumer of the records does, and also
 * while partitions are claimed and revoked.
 */
export class Heartbeat {
  readonly #membership: Membership
  readonly #sessionTimeout: number
  readonly #onEnding: (ending: Ending) => void
  readonly #onFatal: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #lastAnswer = Date.now()
  #stopped = false

  constructor(
    membership: Membership,
    sessionTimeout: number,
    on: { ending: (ending: Ending) => void; fatal: (error: unknown) => void },
  ) {
    this.#membership = membership
    this.#sessionTimeout = sessionTimeout
    this.#onEnding = on.ending
    this.#onFatal = on.fatal
    this.#next()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #next(): void {
    if (this.#stopped) return
    const interval = Math.min(Math.max(this.#sessionTimeout / 10, 100), 3_000)
    this.#timer = setTimeout(() => void this.#beat(), interval)
  }

  async #beat(): Promise<void> {
    try {
      await this.#membership.heartbeat()
      this.#lastAnswer = Date.now()
    } catch (error) {
      if (this.#stopped) return
      this.#failed(error)
    }
    this.#next()
  }

  #failed(error: unknown): void {
    if (protocolErrorType(error) === 'REBALANCE_IN_PROGRESS') {
      this.#lastAnswer = Date.now() // it counts as a sign of life
      this.#onEnding('rebalance')
    } else if (isLoss(error)) {
      this.#membership.recover(error)
      this.#onEnding('lost')
    } else if (isTransient(error)) {
      this.#membership.recover(error)
      if (Date.now() - this.#lastAnswer > this.#sessionTimeout) this.#onEnding('lost')
    } else {
      this.#onFatal(error)
    }
  }
}
