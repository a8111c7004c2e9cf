import type { CommitFault, Observer, ProxiedConnection } from './proxied-connection.ts'
import { Relay } from './relay.ts'
import { type SqlProtocol, type TransactionEvents, TransactionScanner } from './transaction-scanner.ts'

export interface ProxyTarget {
  readonly host: string
  readonly port: number
  /** Set where transactions are to be seen: a database without TLS. `table`: where the rows go. */
  readonly sql?: { readonly protocol: SqlProtocol; readonly table: string } | undefined
}

/** What is to happen to the next COMMIT, and who waits for it. */
interface ArmedCommit {
  readonly fault: CommitFault
  readonly struck: () => void
}

/** A proxy that can also lose one answer, or one COMMIT: for COMMIT it looks into what is sent. */
export class FaultProxy extends Relay {
  readonly #sql: ProxyTarget['sql']
  #armed: ArmedCommit | undefined
  #losesReply: (() => void) | undefined
  #atWrite: (() => void) | undefined

  constructor(target: ProxyTarget) {
    super(target)
    this.#sql = target.sql
  }

  /** The next answer that the server gives on any connection is lost, and the connection with it. */
  loseReply(signal: AbortSignal): Promise<boolean> {
    return this.#armedUntil(signal, (struck) => {
      this.#losesReply = struck
    })
  }

  /** The next COMMIT on any connection meets `fault`. Resolves to false when `signal` aborts before one came. */
  loseCommit(fault: CommitFault, signal: AbortSignal): Promise<boolean> {
    return this.#armedUntil(signal, (struck) => {
      this.#armed = struck && { fault, struck }
    })
  }

  /** Calls `hit` when rows are sent on any connection, before the server gets them. */
  atWrite(hit: () => void, signal: AbortSignal): Promise<boolean> {
    return this.#armedUntil(signal, (struck) => {
      this.#atWrite =
        struck &&
        (() => {
          hit()
          struck()
        })
    })
  }

  protected override observe(connection: ProxiedConnection): Observer {
    const scanner = this.#sql && new TransactionScanner(this.#sql.protocol, this.#sql.table)
    return {
      onRequest: (bytes) => this.#meet(connection, bytes, scanner?.scan(bytes)),
      onReply: () => this.#takeReply(connection),
    }
  }

  #armedUntil(signal: AbortSignal, arm: (struck: (() => void) | undefined) => void): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (struck: boolean) => {
        signal.removeEventListener('abort', aborted)
        arm(undefined)
        resolve(struck)
      }
      const aborted = () => end(false)
      signal.addEventListener('abort', aborted)
      arm(() => end(true))
    })
  }

  /** True: the connection has dealt with the bytes. */
  #meet(connection: ProxiedConnection, bytes: Buffer, events: TransactionEvents | undefined): boolean {
    if (events?.writes) this.#atWrite?.()
    if (events === undefined || events.commitAt < 0 || this.#armed === undefined) return false
    const { fault, struck } = this.#armed
    connection.loseCommit(fault, bytes, events.commitAt)
    struck()
    return true
  }

  #takeReply(connection: ProxiedConnection): boolean {
    if (this.#losesReply === undefined) return false
    this.#losesReply()
    connection.reset()
    return true
  }
}
