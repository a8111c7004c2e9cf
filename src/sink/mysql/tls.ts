import { connect, type Socket } from 'node:net'
import { tlsProblem } from '../../tls.ts'
import type { SinkConfig } from '../sink.ts'

/**
 * A socket for mysql2, which has no place for the name that the certificate must have: it takes its `host` for it, and
 * for an address nothing at all. Node then takes the socket's `_host`, and `localhost` without one.
 */
export function namedSocket({ host, port, tls }: SinkConfig): Socket {
  const socket = connect(port, host)
  Object.assign(socket, { _host: tls?.serverName ?? host })
  socket.on('connect', () => socket.setKeepAlive(true, 10_000))
  return socket.setNoDelay(true)
}

/** True when the connection failed over TLS. */
export function isTlsFailure(err: unknown): boolean {
  return tlsProblem(err, '') !== undefined
}
