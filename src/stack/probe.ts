import type { ConnectionOptions } from 'node:tls'
import { answerTimeout, bytes, exchange } from './exchange.ts'

/** Asking whether somebody is there says nothing that a stranger must not hear, so nobody's certificate is checked. */
const anyServer: ConnectionOptions = { rejectUnauthorized: false }

/**
 * A broker that answers ApiVersions serves requests: KRaft brokers start to only after they have caught up
 * with the metadata and are unfenced. Request header v1 and ApiVersions v0: Kafka protocol guide.
 */
export async function probeKafka(port: number, secure = false): Promise<void> {
  const correlationId = 1
  const request = Buffer.alloc(14)
  request.writeInt32BE(10, 0) // size of what follows
  request.writeInt16BE(18, 4) // api key: ApiVersions
  request.writeInt16BE(0, 6) // api version
  request.writeInt32BE(correlationId, 8)
  request.writeInt16BE(-1, 12) // client id: null
  const answer = await exchange(port, request, bytes(10), { tls: secure ? anyServer : undefined })
  if (answer.readInt32BE(4) !== correlationId) throw new Error('the port does not speak the Kafka protocol')
  const code = answer.readInt16BE(8)
  if (code !== 0) throw new Error(`ApiVersions answered error ${code}`)
}

/** MySQL's server speaks first: a handshake (protocol version 10), or an error packet (0xff). */
export async function probeMysql(port: number): Promise<void> {
  const answer = await exchange(port, Buffer.alloc(0), bytes(5))
  const first = answer.readUInt8(4)
  if (first !== 10) throw new Error(`the server greeted with packet type ${first}`)
}

/**
 * PostgreSQL: a startup message is answered by an authentication request once it accepts connections, or by SQLSTATE 28000 when
 * it accepts them only with TLS.
 */
export async function probePostgres(port: number, user: string, database: string): Promise<void> {
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`, 'latin1')
  const header = Buffer.alloc(8)
  header.writeInt32BE(8 + parameters.length, 0)
  header.writeInt32BE(196_608, 4) // protocol 3.0
  const answer = await exchange(port, Buffer.concat([header, parameters]), bytes(1))
  const text = answer.toString('utf8', 5)
  if (answer.toString('latin1', 0, 1) === 'R' || text.includes('\0C28000\0')) return
  throw new Error(text.replaceAll(/\0+/g, ' ').trim() || 'no authentication request came')
}

export async function probeRegistry(url: string): Promise<void> {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(answerTimeout) })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`GET /subjects: HTTP ${response.status}`)
}

export async function probeGate(port: number): Promise<void> {
  const request = Buffer.from('GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  const answer = await exchange(port, request, bytes(15), { tls: anyServer })
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error('the gate does not answer')
}
