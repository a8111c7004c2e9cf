import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What happens to the next COMMIT that a client sends through the proxy. */
export type Fault =
  /** The connection is cut and the server never sees COMMIT. */
  | 'before-server'
  /** The server commits; its answer never reaches the client. */
  | 'before-answer'
  /** As of a stopped process: nothing gets through any more, and nobody hangs up. */
  | 'freeze'

/** A TCP proxy in front of a database that loses one COMMIT. */
export class CommitProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #freezers = new Set<() => void>()
  #fault: Fault | undefined
  /** Also refuses connections after the fault, until `heal()`. */
  #staysDown = false
  #down = false
  triggered = 0
  #onTrigger = (): void => {}

  constructor(host: string, port: number) {
    this.#server = createServer((client) => this.#pipe(client, connect({ host, port })))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  arm(fault: Fault, staysDown = false): void {
    this.#fault = fault
    this.#staysDown = staysDown
  }

  /** Resolves when the armed fault has struck. */
  struck(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTrigger = resolve
    })
  }

  /** Lets nothing through any more on the connections that are there. */
  freeze(): void {
    for (const freeze of this.#freezers) freeze()
  }

  /** Hangs up on every client. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  heal(): void {
    this.#down = false
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #pipe(client: Socket, server: Socket): void {
    let swallow = false
    let frozen = false
    const cut = (): void => {
      if (frozen) return
      client.destroy()
      server.destroy()
    }
    const freeze = (): void => {
      frozen = true
    }
    this.#freezers.add(freeze)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#freezers.delete(freeze)
        cut()
      })
    }
    if (this.#down) cut()
    client.on('data', (bytes) => {
      const fault = isCommit(bytes) ? this.#takeFault() : undefined
      if (fault === 'before-server') return cut()
      if (fault === 'before-answer') swallow = true
      if (fault === 'freeze') freeze()
      if (frozen) return
      server.write(bytes)
    })
    server.on('data', (bytes) => {
      if (swallow) cut()
      else if (!frozen) client.write(bytes)
    })
  }

  #takeFault(): Fault | undefined {
    const fault = this.#fault
    this.#fault = undefined
    if (fault !== undefined) {
      this.triggered++
      this.#onTrigger()
      this.#down = this.#staysDown
    }
    return fault
  }
}

/** COMMIT as a statement of its own; READ COMMITTED is none. */
function isCommit(bytes: Buffer): boolean {
  return /COMMIT(?!TED)/.test(bytes.toString('latin1'))
}
