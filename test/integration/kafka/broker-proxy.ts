import type { Observer, ProxiedConnection } from '../../../src/chaos/proxied-connection.ts'
import { Relay } from '../../../src/chaos/relay.ts'
import { parseAddress } from '../../../src/kafka/cluster/address.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { config, type Scope } from './fixture.ts'

/** Stands between a client and a broker, and lets a test look into what passes, change it, or keep it back. */
export class BrokerProxy extends Relay {
  /** Sees each piece that the client sends before it is passed on; false: swallow it. */
  onRequest: (bytes: Buffer, connection: ProxiedConnection) => boolean = () => true
  /** Sees each piece that the broker sends before it is passed on; false: swallow it. */
  onResponse: (bytes: Buffer, connection: ProxiedConnection) => boolean = () => true
  /** Bytes that are replaced by others of the same length in what the broker sends. */
  rewrite: readonly [from: Buffer, to: Buffer] | undefined

  protected override observe(connection: ProxiedConnection): Observer {
    return {
      onRequest: (bytes) => !this.onRequest(bytes, connection),
      onReply: (bytes) => {
        this.#rewriteIn(bytes)
        return !this.onResponse(bytes, connection)
      },
    }
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
): Promise<{ proxied: KafkaConfig; proxy: BrokerProxy }> {
  const target = parseAddress(cluster.brokers[0] ?? '')
  const proxy = new BrokerProxy(target)
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
 * Calls `f` with each answer to a request of the given kind, before it is passed on; `f` may change its bytes, and swallows it by
 * returning false. Goes by the headers (api key and correlation id), so for answers that come in one piece.
 */
export function onAnswer(
  proxy: BrokerProxy,
  apiKey: number,
  f: (answer: Buffer, connection: ProxiedConnection) => unknown,
): void {
  const asked = new WeakMap<ProxiedConnection, number>()
  proxy.onRequest = (bytes, connection) => {
    if (bytes.length >= 12 && bytes.readInt16BE(4) === apiKey) asked.set(connection, bytes.readInt32BE(8))
    return true
  }
  proxy.onResponse = (bytes, connection) => {
    const answers = bytes.length >= 8 && bytes.readInt32BE(4) === asked.get(connection)
    return !(answers && f(bytes, connection) === false)
  }
}
