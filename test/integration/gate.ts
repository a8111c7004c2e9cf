import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A door in front of a server of the shared stack: shut, it cuts every connection and takes no new one, as a server that died. */
export class Gate {
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#pass(client))
  readonly #target: { readonly host: string; readonly port: number }
  #isShut = false
  port = 0

  constructor(host: string, port: number) {
    this.#target = { host, port }
  }

  async open(): Promise<void> {
    this.#isShut = false
    if (this.#server.listening) return
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  shut(): void {
    this.#isShut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.shut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #pass(client: Socket): void {
    if (this.#isShut) {
      client.destroy()
      return
    }
    const server = connect(this.#target)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
