import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Observer, ProxiedConnection } from './proxied-connection.ts'

/**
 * A TCP proxy that stands between clients and one server and does what networks do: cuts, delays, loses, refuses. It listens on
 * 127.0.0.1 and passes bytes on unchanged, so TLS goes through it. What looks into the bytes extends it by `observe`.
 */
export class Relay {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #connections = new Set<ProxiedConnection>()
  #server: Server | undefined
  #port = 0
  #delay = 0
  #blackHole = false

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#target = { host, port }
  }

  /** Where it listens; 0 before `listen`. */
  get port(): number {
    return this.#port
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

  /** Nothing passes any more on the connections that are there, and nobody hangs up; new connections work. */
  silence(): void {
    for (const connection of this.#connections) connection.silence()
  }

  /** Nothing passes any more, also on new connections, and nobody hangs up. Ends by resetting what lost bytes. */
  blackHole(on: boolean): void {
    this.#blackHole = on
    if (on) this.silence()
    else for (const connection of this.#connections) connection.hear()
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

  async close(): Promise<void> {
    await this.refuse()
  }

  /** Called once for each new connection. */
  protected observe(_connection: ProxiedConnection): Observer {
    return {}
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true })
    const connection = new ProxiedConnection(client, server, () => this.#connections.delete(connection))
    this.#connections.add(connection)
    connection.delay = this.#delay
    if (this.#blackHole) connection.silence()
    connection.observer = this.observe(connection)
  }
}
