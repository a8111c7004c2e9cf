import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ConfigError, EtlError } from '../../errors.ts'
import { tlsProblem } from '../../tls.ts'
import type { KafkaConfig } from '../config.ts'
import { LoginRefusedError } from '../errors.ts'
import type { Endpoint } from './session.ts'

/** Milliseconds that each question to a server may take. */
const patience = 3000
const apiVersions = 18
const saslHandshake = 17

interface Failure extends Error {
  readonly code?: string
  readonly type?: string
}

/**
 * Why no session came about, as an error that says what to change; `error` itself when the server is just not there. A broker closes a
 * connection that it does not understand without a word, so it is asked what it does understand.
 */
export async function diagnose(error: unknown, config: KafkaConfig, to: Endpoint): Promise<unknown> {
  if (error instanceof EtlError) return error
  const server = `${to.host}:${to.port}`
  const problem = tlsProblem(error, server, 'no connection to Kafka')
  if (problem) return problem
  const { name, type, message } = error as Failure
  if (type === 'UNSUPPORTED_SASL_MECHANISM' || /mechanism is not supported/.test(message)) {
    return unknownMechanism(config, server, await offeredMechanisms(to))
  }
  if (type === 'ILLEGAL_SASL_STATE') {
    return new ConfigError('Kafka asks for no login (SASL) on this port', {
      where: server,
      cause: error,
      next: 'take kafka.sasl out of etl.yaml, or name the port of another listener',
    })
  }
  if (isRefused(error)) return refusedLogin(config, server, error)
  if (!isCutOff(error)) return error
  if (to.tls === undefined && (await speaksTls(to))) {
    return wrongProtocol('TLS_REQUIRED', server, `Kafka closed the connection (${name})`)
  }
  if (to.tls !== undefined && (await speaksKafka({ ...to, tls: undefined }))) {
    return wrongProtocol('NO_TLS', server, 'Kafka answers here without TLS')
  }
  return error
}

/** A broker closes the connection of a client that should have logged in first and did not. */
export async function diagnoseFirstRequest(
  error: unknown,
  config: KafkaConfig,
  to: Endpoint,
): Promise<unknown> {
  if (config.sasl || !isCutOff(error)) return error
  const offered = await offeredMechanisms(to)
  if (offered === undefined) return error
  return new ConfigError('Kafka wants a login (SASL) on this port', {
    where: `${to.host}:${to.port}`,
    cause: new Error(`it takes ${offered.join(', ')}`),
    next: 'kafka.sasl in etl.yaml: mechanism, username and passwordFile',
  })
}

/** The broker took a look at the credentials and said no. */
export function isRefused(error: unknown): boolean {
  const { name, type } = error as Failure
  return (
    type === 'SASL_AUTHENTICATION_FAILED' || (name === 'KafkaJSSASLAuthenticationError' && !isCutOff(error))
  )
}

function refusedLogin({ sasl }: KafkaConfig, where: string, cause: unknown): LoginRefusedError {
  const user = sasl && 'username' in sasl ? sasl.username : ''
  return new LoginRefusedError(`Kafka does not let the user ${user} in (${sasl?.mechanism.toUpperCase()})`, {
    where,
    cause,
    next: 'check user and password: ETL_KAFKA_PASSWORD, or kafka.sasl in etl.yaml; a SCRAM user has a password for each mechanism',
  })
}

function unknownMechanism({ sasl }: KafkaConfig, where: string, offered: string[] | undefined): ConfigError {
  return new ConfigError(
    `Kafka does not take the SASL mechanism ${sasl?.mechanism.toUpperCase()} on this port`,
    {
      where,
      cause: offered && new Error(`it takes ${offered.join(', ')}`),
      next: `kafka.sasl.mechanism in etl.yaml: ${offered ? offered.join(', ').toLowerCase() : 'what the broker has in sasl.enabled.mechanisms'}`,
    },
  )
}

function wrongProtocol(code: string, server: string, why: string): unknown {
  return tlsProblem(Object.assign(new Error(why), { code }), server, 'no connection to Kafka')
}

/** Connected, and closed again from the other side without an answer. */
function isCutOff(error: unknown): boolean {
  const { name, code, message } = error as Failure
  if (name === 'KafkaJSConnectionClosedError' || code === 'ECONNRESET' || code === 'EPIPE') return true
  return /closed connection|connection closed|socket disconnected|socket hang up/i.test(message)
}

async function speaksTls({ host, port }: Endpoint): Promise<boolean> {
  return await new Promise((resolve) => {
    // Nothing is sent, so nobody's certificate is checked.
    const socket = connectTls({ host, port, timeout: patience, rejectUnauthorized: false })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('secureConnect', () => end(true))
    for (const event of ['error', 'timeout', 'close']) socket.once(event, () => end(false))
  })
}

async function speaksKafka(to: Endpoint): Promise<boolean> {
  const answer = await ask(to, request(apiVersions, 0, Buffer.alloc(0)))
  return answer !== undefined && answer.length >= 6 && answer.readInt32BE(0) === correlationId
}

/** SaslHandshake v1 for no mechanism at all: the refusal lists those that the listener takes. Undefined: it wants no SASL. */
async function offeredMechanisms(to: Endpoint): Promise<string[] | undefined> {
  const answer = await ask(to, request(saslHandshake, 1, Buffer.from([0, 0])))
  if (answer === undefined || answer.length < 10) return undefined
  const names: string[] = []
  for (let at = 10, left = answer.readInt32BE(6); left > 0 && at + 2 <= answer.length; left--) {
    const end = at + 2 + answer.readInt16BE(at)
    names.push(answer.toString('utf8', at + 2, end))
    at = end
  }
  return names.length > 0 ? names : undefined
}

const correlationId = 1

/** With request header v1 and no client id. */
function request(apiKey: number, apiVersion: number, body: Buffer): Buffer {
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + body.length, 0)
  head.writeInt16BE(apiKey, 4)
  head.writeInt16BE(apiVersion, 6)
  head.writeInt32BE(correlationId, 8)
  head.writeInt16BE(-1, 12)
  return Buffer.concat([head, body])
}

/** One request on a connection of its own; the answer without its size, undefined when none came. */
async function ask({ host, port, tls }: Endpoint, bytes: Buffer): Promise<Buffer | undefined> {
  return await new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const socket: Socket = tls
      ? connectTls({ host, port, timeout: patience, ...tls })
      : connect({ host, port, timeout: patience })
    const end = (answer: Buffer | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const size = received.length >= 4 ? received.readInt32BE(0) : Infinity
      if (received.length >= 4 + size) end(received.subarray(4, 4 + size))
    })
    for (const event of ['error', 'timeout', 'close']) socket.once(event, () => end(undefined))
  })
}
