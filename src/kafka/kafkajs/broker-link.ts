import { EtlError, UnreachableError } from '../../errors.ts'
import type { KafkaConfig } from '../config.ts'
import { diagnose, diagnoseFirstRequest, isRefused } from './diagnose.ts'
import { abandon, createSession, type Endpoint, endpointOf, type Session, sendNamed } from './session.ts'
import type { ApiVersions, Broker, WireRequest } from './types.ts'

/**
 * One authenticated connection to one broker, opened when it is first used and replaced after it broke. A session that
 * ends (KIP-368) is renewed by the next request.
 *
 * A broker answers the requests of a connection one after the other, so a request that may block (a long
 * poll, JoinGroup) needs a link of its own. Rejects with kafkajs' errors (see cluster/failures.ts), and with ours
 * when the two ends do not agree on TLS or on who we are.
 */
export class BrokerLink {
  readonly #config: KafkaConfig
  readonly #endpoint: Endpoint
  #session: Session | undefined
  #opening: Promise<Session> | undefined
  #connecting: Session | undefined
  /** Sessions that have answered a request. */
  readonly #proven = new WeakSet<Session>()
  #closed = false

  constructor(config: KafkaConfig, host: string, port: number) {
    this.#config = config
    this.#endpoint = endpointOf(config, host, port)
  }

  /** One of kafkajs' own requests. */
  async call<T>(request: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#use(({ broker }) => request(broker))
  }

  /** A request that `make` builds for the versions that the broker speaks. */
  async send<T>(make: (broker: Broker, versions: ApiVersions) => WireRequest<T>): Promise<T> {
    return this.#use(({ broker, connection }) => sendNamed(connection, make(broker, broker.versions ?? {})))
  }

  /** Rejects what is pending and closes the socket, at once. The link cannot be used again. */
  close(): void {
    this.#closed = true
    const reason = new UnreachableError('the connection was closed')
    for (const session of [this.#session, this.#connecting]) if (session) abandon(session, reason)
  }

  async #use<T>(request: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#open()
    try {
      const answer = await request(session)
      this.#proven.add(session)
      return answer
    } catch (error) {
      throw await this.#failed(session, error)
    }
  }

  /** What a request's failure means for the session, and for people. */
  async #failed(session: Session, error: unknown): Promise<unknown> {
    // The peer may be gone without a word (half open); kafkajs would go on waiting on the same socket.
    const gone = (error as Error).name === 'KafkaJSRequestTimeoutError'
    // Logging in again failed: what the session was is over.
    const refused = error instanceof EtlError || isRefused(error)
    if (gone || refused) abandon(session, error as Error)
    if (refused) return diagnose(error, this.#config, this.#endpoint)
    if (this.#closed || this.#proven.has(session)) return error
    return diagnoseFirstRequest(error, this.#config, this.#endpoint)
  }

  /** Concurrent callers share one attempt: kafkajs' own pool opens a socket for each of them. */
  #open(): Promise<Session> {
    if (this.#closed) return Promise.reject(new UnreachableError('the connection was closed'))
    if (this.#session?.connection.isConnected()) return Promise.resolve(this.#session)
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
    const session = createSession(this.#config, this.#endpoint)
    this.#connecting = session
    try {
      await session.broker.connect()
    } catch (error) {
      abandon(session, error as Error)
      throw this.#closed ? error : await diagnose(error, this.#config, this.#endpoint)
    } finally {
      this.#connecting = undefined
    }
    this.#session = session
    return session
  }
}
