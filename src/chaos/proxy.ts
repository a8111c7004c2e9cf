import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type CommitFault, ProxiedConnection } from './proxied-connection.ts'
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

/**
 * A TCP proxy that stands between clients and one server and does what networks do: cuts, delays, loses, refuses. It listens on
 * 127.0.0.1 and passes bytes on unchanged, so TLS goes through it; only COMMIT faults look into what is sent.
 */
export class FaultProxy {
  readonly #target: ProxyTarget
  readonly #connections = new Set<ProxiedConnection>()
  #server: Server | undefined
  #port = 0
  #delay = 0
  #blackHole = false
  #armed: ArmedCommit | undefined
  #losesReply: (() => void) | undefined
  #atWrite: (() => void) | undefined

  constructor(target: ProxyTarget) {
    this.#target = target
  }

  /** Starts to listen; `port` 0: any. Gives the port. */
  async listen(port = 0): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this.#port
  }

  /** Resets so many percent of the connections, one at least when there is one; gives how many. */
  cut(percent = 100): number {
    const all = [...this.#connections]
    const hit = all.slice(0, Math.ceil((all.length * percent) / 100))
    for (const connection of hit) connection.reset()
    return hit.length
  }

  /** Everything that passes from now on is late by so many milliseconds, in each direction; 0 ends it. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds
    for (const connection of this.#connections) connection.delay = milliseconds
  }

  /** Nothing passes any more, also on new connections, and nobody hangs up. Ends by resetting what lost bytes. */
  blackHole(on: boolean): void {
    this.#blackHole = on
    for (const connection of this.#connections) {
      if (on) connection.silence()
      else connection.hear()
    }
  }

  /** The server's ends are closed, the clients are not told. New connections work. `end` resets the clients. */
  halfOpen(): { end(): void } {
    const open = [...this.#connections]
    for (const connection of open) connection.loseServer()
    return {
      end: () => {
        for (const connection of open) connection.reset()
      },
    }
  }

  /** Resets the connections and refuses new ones, until `accept()`. */
  async refuse(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    this.cut()
    await closed
  }

  async accept(): Promise<void> {
    if (this.#server === undefined) await this.listen(this.#port)
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

  async close(): Promise<void> {
    await this.refuse()
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

  #accept(client: Socket): void {
    const { host, port, sql } = this.#target
    const scanner = sql && new TransactionScanner(sql.protocol, sql.table)
    const connection = new ProxiedConnection(client, connect({ host, port, allowHalfOpen: true }), {
      onRequest: (bytes) => this.#meet(connection, bytes, scanner?.scan(bytes)),
      onReply: () => this.#takeReply(connection),
      onClose: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    connection.delay = this.#delay
    if (this.#blackHole) connection.silence()
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
