import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { loopback } from './ports.ts'

/** Milliseconds. */
export const answerTimeout = 2000

export interface ExchangeOptions {
  /** TLS with these options; without them none. */
  readonly tls?: ConnectionOptions | undefined
  readonly timeout?: number
}

/**
 * Sends `request` to a port of this machine and resolves with what came when `complete` says so of it. Rejects when the server
 * closes the connection before, or says nothing in time.
 */
export async function exchange(
  port: number,
  request: Buffer,
  complete: (received: Buffer) => boolean,
  { tls, timeout = answerTimeout }: ExchangeOptions = {},
): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const address = { host: loopback, port, timeout }
    const socket = tls ? connectTls({ ...address, ...tls }) : connect(address)
    const fail = (err: Error) => {
      socket.destroy()
      reject(err)
    }
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      if (request.length > 0) socket.write(request)
    })
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (!complete(received)) return
      socket.destroy()
      resolve(received)
    })
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error(`no answer within ${timeout} ms`)))
    socket.once('end', () => fail(new Error('the server closed the connection')))
  })
}

/** For `complete`: at least so many bytes. */
export function bytes(count: number): (received: Buffer) => boolean {
  return (received) => received.length >= count
}
