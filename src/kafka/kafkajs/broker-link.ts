import { UnreachableError } from '../../errors.ts'
import type { KafkaConfig, TlsConfig } from '../config.ts'
import { BrokerClient, BrokerConnection, createSocketFactory } from './internals.ts'
import { kafkajsLogger } from './logger.ts'
import type { ApiVersions, Broker, Connection, ConnectionPoolLike, WireRequest } from './types.ts'

const connectionTimeout = 10_000
/** A broker that does not answer a request for so long is taken for dead. Long polls have their own limits. */
const requestTimeout = 30_000

/**
 * One authenticated connection to one broker, opened when it is first used and replaced after it broke.
 *
 * A broker answers the requests of a connection one after the other, so a request that may block (a long
 * poll, JoinGroup) needs a link of its own. Rejects with kafkajs' errors; see cluster/failures.ts.
 */
export class BrokerLink {
  readonly #config: KafkaConfig
  readonly #host: string
  readonly #port: number
  #session: Session | undefined
  #opening: Promise<Session> | undefined
  #closed = false

  constructor(config: KafkaConfig, host: string, port: number) {
    this.#config = config
    this.#host = host
    this.#port = port
  }

  /** One of kafkajs' own requests. */
  async call<T>(request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#use(({ broker }) => request(broker))
  }

  /** A request that `make` builds for the versions that the broker speaks. */
  async send<T>(make: (broker: Broker, versions: ApiVersions) => WireRequest<T>): Promise<T> {
    return this.#use(({ broker, connection }) => connection.send(make(broker, broker.versions ?? {})))
  }

  /** Rejects what is pending and closes the socket, at once. The link cannot be used again. */
  close(): void {
    this.#closed = true
    if (this.#session) abandon(this.#session, new UnreachableError('the connection was closed'))
  }

  async #use<T>(request: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#open()
    try {
      return await request(session)
    } catch (error) {
      // The peer may be gone without a word (half open); kafkajs would go on waiting on the same socket.
      if ((error as Error).name === 'KafkaJSRequestTimeoutError') abandon(session, error as Error)
      throw error
    }
  }

  /** Concurrent callers share one attempt: kafkajs' own pool opens a socket for each of them. */
  #open(): Promise<Session> {
    if (this.#closed) return Promise.reject(new UnreachableError('the connection was closed'))
    if (this.#session?.broker.isConnected()) return Promise.resolve(this.#session)
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * Always a new kafkajs connection: a reused one keeps the bytes of a response that was cut off (Connection.chunks in
   * network/connection.js) and reads all later responses out of frame.
   */
  async #connect(): Promise<Session> {
    const session = createSession(this.#config, this.#host, this.#port)
    this.#session = session
    try {
      await session.broker.connect()
    } catch (error) {
      abandon(session, error as Error)
      throw error
    }
    return session
  }
}

interface Session {
  readonly connection: Connection
  readonly broker: Broker
}

function createSession(config: KafkaConfig, host: string, port: number): Session {
  const { tls, sasl, clientId } = config
  const logger = kafkajsLogger()
  const connection = new BrokerConnection({
    host,
    port,
    logger,
    socketFactory: createSocketFactory(),
    requestTimeout,
    rack: null,
    ssl: tls ? tlsOptions(tls) : null,
    sasl: sasl ? { ...sasl } : null,
    clientId,
    connectionTimeout,
    reauthenticationThreshold: 10_000,
    enforceRequestTimeout: true,
  })
  const broker = new BrokerClient({
    connectionPool: poolOfOne(connection, sasl ?? null),
    logger,
    authenticationTimeout: connectionTimeout,
    allowAutoTopicCreation: false,
  })
  return { connection, broker }
}

function tlsOptions({ ca, cert, key, serverName }: TlsConfig): object {
  return { ca, cert, key, ...(serverName === undefined ? {} : { servername: serverName }) }
}

function abandon({ connection }: Session, error: Error): void {
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
    send: (request) => connection.send(request),
    destroy: async () => {
      await connection.disconnect()
    },
  }
}
