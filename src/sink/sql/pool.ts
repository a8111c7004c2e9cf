import { UnexpectedError } from '../../errors.ts'
import type { Session } from './session.ts'

/** Sessions for short calls besides the lanes; keeps at most `maxIdle` open between calls. */
export class SessionPool {
  readonly #open: () => Promise<Session>
  readonly #maxIdle: number
  readonly #idle: Session[] = []
  #closed = false

  constructor(open: () => Promise<Session>, maxIdle = 2) {
    this.#open = open
    this.#maxIdle = maxIdle
  }

  /** Lends a session to `use`. After an error it is not used again: its state is not known. */
  async with<T>(use: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new UnexpectedError('the sink is closed')
    const session = this.#usableIdle() ?? (await this.#open())
    try {
      const result = await use(session)
      await this.#giveBack(session)
      return result
    } catch (err) {
      await session.close()
      throw err
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map((session) => session.close()))
  }

  #usableIdle(): Session | undefined {
    for (;;) {
      const session = this.#idle.pop()
      if (session === undefined || session.usable) return session
    }
  }

  async #giveBack(session: Session): Promise<void> {
    if (this.#closed || this.#idle.length >= this.#maxIdle) await session.close()
    else this.#idle.push(session)
  }
}
