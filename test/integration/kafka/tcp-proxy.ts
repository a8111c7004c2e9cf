import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a broker; connections can be cut or frozen at will. 127.0.0.1 only. */
export class TcpProxy {
  readonly #server = createServer((client) => this.#accept(client))
  readonly #sockets = new Set<Socket>()
  readonly #target: { host: string; port: number }
  /** Sees each piece that the client sends before it is passed on; false: swallow it. */
  onRequest: (bytes: Buffer) => boolean = () => true
  /** Sees each piece that the broker sends before it is passed on; false: swallow it. */
  onResponse: (bytes: Buffer) => boolean = () => true
  /** Bytes that are replaced by others of the same length in what the broker sends. */
  rewrite: readonly [from: Buffer, to: Buffer] | undefined

  constructor(target: { host: string; port: number }) {
    this.#target = target
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #accept(client: Socket): void {
    const broker = connect(this.#target)
    const both = [client, broker]
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy()) // cut by the test
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const other of both) other.destroy()
      })
    }
    client.on('data', (bytes: Buffer) => {
      if (this.onRequest(bytes)) broker.write(bytes)
    })
    broker.on('data', (bytes: Buffer) => {
      this.#rewriteIn(bytes)
      if (this.onResponse(bytes)) client.write(bytes)
    })
  }

  #rewriteIn(bytes: Buffer): void {
    if (!this.rewrite) return
    const [from, to] = this.rewrite
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + to.length)) to.copy(bytes, at)
  }
}
