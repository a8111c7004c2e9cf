import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { parseAddress } from '../../../src/kafka/cluster/address.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { config, type Scope } from './fixture.ts'

/** Stands between a client and a broker; connections can be cut or frozen at will. 127.0.0.1 only. */
export class TcpProxy {
  readonly #server = createServer((client) => this.#accept(client))
  readonly #sockets = new Set<Socket>()
  readonly #target: { host: string; port: number }
  /** Sees each piece that the client sends before it is passed on; false: swallow it. */
  onRequest: (bytes: Buffer, connection: Socket) => boolean = () => true
  /** Sees each piece that the broker sends before it is passed on; false: swallow it. */
  onResponse: (bytes: Buffer, connection: Socket) => boolean = () => true
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
      if (this.onRequest(bytes, client)) broker.write(bytes)
    })
    broker.on('data', (bytes: Buffer) => {
      this.#rewriteIn(bytes)
      if (this.onResponse(bytes, client)) client.write(bytes)
    })
  }

  #rewriteIn(bytes: Buffer): void {
    if (!this.rewrite) return
    const [from, to] = this.rewrite
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + to.length)) to.copy(bytes, at)
  }
}

/**
 * A configuration that meets the broker behind a proxy. The broker names its own address in the metadata; the proxy rewrites it
 * in what passes.
 */
export async function throughProxy(
  t: Scope,
  cluster = config,
): Promise<{ proxied: KafkaConfig; proxy: TcpProxy }> {
  const target = parseAddress(cluster.brokers[0] ?? '')
  const proxy = new TcpProxy(target)
  const port = await proxy.listen()
  t.after(() => proxy.close())
  proxy.rewrite = [address(target.host, target.port), address(target.host, port)]
  return { proxied: { ...cluster, brokers: [`${target.host}:${port}`] }, proxy }
}

/** As every version of the metadata holds it: host and int32; the host's length stands before it in one of two forms. */
function address(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4)
  bytes.write(host)
  bytes.writeInt32BE(port, host.length)
  return bytes
}

/**
 * Calls `f` with each answer to a request of the given kind, before it is passed on; `f` may change its bytes. Goes by the
 * headers (api key and correlation id), so for answers that come in one piece.
 */
export function onAnswer(proxy: TcpProxy, apiKey: number, f: (answer: Buffer) => void): void {
  const asked = new WeakMap<Socket, number>()
  proxy.onRequest = (bytes, connection) => {
    if (bytes.length >= 12 && bytes.readInt16BE(4) === apiKey) asked.set(connection, bytes.readInt32BE(8))
    return true
  }
  proxy.onResponse = (bytes, connection) => {
    if (bytes.length >= 8 && bytes.readInt32BE(4) === asked.get(connection)) f(bytes)
    return true
  }
}
