import { isIP } from 'node:net'
import type { TlsSettings } from '../../tls.ts'
import { parseAddress } from '../cluster/address.ts'
import type { KafkaConfig, SaslConfig } from '../config.ts'
import { oauthBearer } from '../sasl/oauth-bearer.ts'
import { BrokerClient, BrokerConnection, createSocketFactory } from './internals.ts'
import { kafkajsLogger } from './logger.ts'
import type { Broker, Connection, ConnectionPoolLike, SaslOptions, WireRequest } from './types.ts'

const connectionTimeout = 10_000
/** A broker that does not answer a request for so long is taken for dead. Long polls have their own limits. */
const requestTimeout = 30_000
/** Of a session's lifetime, after which the next request logs in again first (KIP-368); the Java client takes 85 to 95 %. */
const renewAfter = 0.85
/** A broker closes the connection of a client that logs in again within a second. Milliseconds. */
const shortestSession = 1500

/** One connection of kafkajs, and its request functions on it. */
export interface Session {
  readonly connection: Connection
  readonly broker: Broker
}

/** Where a connection goes, and how it is secured. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  /** Options of tls.connect; undefined: no TLS. */
  readonly tls: object | undefined
}

/** Where a broker's address leads: through `addressMap`, or to itself. */
export function endpointOf({ addressMap, tls }: KafkaConfig, host: string, port: number): Endpoint {
  const mapped = addressMap?.[host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]
  const to = mapped === undefined ? { host, port } : parseAddress(mapped)
  return { ...to, tls: tls && tlsOptions(tls, to.host === host ? undefined : host) }
}

/** `mappedFrom`: the host that the certificate is checked against when the connection goes elsewhere. */
function tlsOptions({ serverName, ...rest }: TlsSettings, mappedFrom: string | undefined): object {
  const name = serverName ?? (mappedFrom !== undefined && isIP(mappedFrom) === 0 ? mappedFrom : undefined)
  return { ...rest, ...(name === undefined ? {} : { servername: name }) }
}

/** Not connected yet. */
export function createSession({ clientId, sasl }: KafkaConfig, { host, port, tls }: Endpoint): Session {
  const logger = kafkajsLogger()
  const login = sasl ? saslOptions(sasl) : null
  const connection = new BrokerConnection({
    host,
    port,
    logger,
    socketFactory: createSocketFactory(),
    requestTimeout,
    rack: null,
    ssl: tls ?? null,
    sasl: login,
    clientId,
    connectionTimeout,
    enforceRequestTimeout: true,
  })
  connection.isAuthenticated = () => isLoggedIn(connection)
  const broker = new BrokerClient({
    connectionPool: poolOfOne(connection, login),
    logger,
    authenticationTimeout: connectionTimeout,
    allowAutoTopicCreation: false,
  })
  return { connection, broker }
}

/**
 * kafkajs logs in again before the next request when this is false, on the same connection. Its own rule, ten seconds before
 * the session's end, would do so before every request of a shorter session.
 */
export function isLoggedIn({
  authenticatedAt,
  sessionLifetime,
}: Pick<Connection, 'authenticatedAt' | 'sessionLifetime'>): boolean {
  if (authenticatedAt === null) return false
  const lifetime = Number(sessionLifetime.toString())
  if (lifetime === 0) return true
  const [seconds, nanoseconds] = process.hrtime(authenticatedAt)
  return seconds * 1000 + nanoseconds / 1e6 < Math.max(lifetime * renewAfter, shortestSession)
}

function saslOptions(sasl: SaslConfig): SaslOptions {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl }
  return { mechanism: sasl.mechanism, authenticationProvider: oauthBearer(sasl) }
}

/** Rejects what is pending and closes the socket, at once. */
export function abandon({ connection }: Session, error: Error): void {
  connection.authHandlers?.onError()
  connection.rejectRequests(error)
  void connection.disconnect()
  // An error ends a connect that still waits, too; its timer would keep the process alive.
  connection.socket?.destroy(error)
}

/** Stands where kafkajs has a pool of two connections per broker. */
function poolOfOne(connection: Connection, sasl: object | null): ConnectionPoolLike {
  return {
    host: connection.host,
    port: connection.port,
    sasl,
    connectionTimeout,
    isConnected: () => connection.isConnected(),
    isAuthenticated: () => connection.isAuthenticated(),
    setVersions: (versions) => connection.setVersions(versions),
    setSupportAuthenticationProtocol: (supported) => connection.setSupportAuthenticationProtocol(supported),
    getConnection: async () => {
      if (!connection.isConnected()) await connection.connect()
      return connection
    },
    send: (request) => sendNamed(connection, request),
    destroy: async () => {
      await connection.disconnect()
    },
  }
}

/** Sends; the request's name goes with its error, since it says which right was missing. */
export async function sendNamed<T>(connection: Connection, request: WireRequest<T>): Promise<T> {
  try {
    return await connection.send(request)
  } catch (error) {
    throw withApi(error, request.request.apiName)
  }
}

const apis = new WeakMap<object, string>()

function withApi(error: unknown, api: string): unknown {
  if (typeof error === 'object' && error !== null) apis.set(error, api)
  return error
}

/** Name of the request that failed with `error`. */
export function apiOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null ? apis.get(error) : undefined
}
