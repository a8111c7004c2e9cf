/** Types of the few parts of kafkajs 2.2.4 that are used below its public interface. */

import type { Socket } from 'node:net'

type LogFunction = (message: string, extra?: object) => void
export interface Logger {
  namespace(name: string): Logger
  info: LogFunction
  error: LogFunction
  warn: LogFunction
  debug: LogFunction
}

export type SocketFactory = (options: {
  host: string
  port: number
  ssl: object | null
  onConnect: () => void
}) => Socket

export interface ConnectionOptions {
  host: string
  port: number
  logger: Logger
  socketFactory: SocketFactory
  requestTimeout: number
  rack: null
  ssl: object | null
  sasl: SaslOptions | null
  clientId: string
  connectionTimeout: number
  enforceRequestTimeout: boolean
}

export interface SaslOptions {
  mechanism: string
  username?: string
  password?: string
  /** Of ours, instead of the one that kafkajs has for the mechanism. */
  authenticationProvider?: AuthenticationProvider
}

export type AuthenticationProvider = (options: {
  host: string
  port: number
  /** Sends authentication bytes (after their length); rejects when the broker refuses. Without `response` the answer is dropped. */
  saslAuthenticate<T = undefined>(exchange: {
    request: { encode(): Promise<Buffer> }
    response?: { decode(raw: Buffer): Promise<Buffer>; parse(raw: Buffer): Promise<T> }
  }): Promise<T>
}) => { authenticate(): Promise<void> }

/** A request as a connection sends it: the body follows a request header v1 (API key, version, correlation id, client id). */
export interface WireRequest<T> {
  request: {
    apiKey: number
    apiVersion: number
    apiName: string
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>
  }
  response: {
    decode(payload: Buffer): Promise<unknown>
    parse(decoded: never): Promise<T>
  }
  requestTimeout?: number | null
}

export interface Connection {
  readonly host: string
  readonly port: number
  socket?: Socket
  authHandlers: { onError(): void } | null
  /** process.hrtime() of the last login. */
  authenticatedAt: [number, number] | null
  /** Milliseconds, as a Long of kafkajs; 0 when the broker sets no end. */
  sessionLifetime: { toString(): string }
  isConnected(): boolean
  isAuthenticated(): boolean
  connect(): Promise<boolean>
  disconnect(): Promise<boolean>
  send<T>(request: WireRequest<T>): Promise<T>
  rejectRequests(error: Error): void
  setVersions(versions: ApiVersions): void
  setSupportAuthenticationProtocol(supported: boolean): void
}

export type ApiVersions = Record<number, { minVersion: number; maxVersion: number }>

/** What a Broker asks of its connection pool. */
export interface ConnectionPoolLike {
  readonly host: string
  readonly port: number
  readonly sasl: object | null
  readonly connectionTimeout: number
  isConnected(): boolean
  isAuthenticated(): boolean
  setVersions(versions: ApiVersions): void
  setSupportAuthenticationProtocol(supported: boolean): void
  getConnection(): Promise<Connection>
  send<T>(request: WireRequest<T>): Promise<T>
  destroy(): Promise<void>
}

export type ProtocolDefinition = { versions: string[]; protocol: unknown }

/** The request functions; each rejects with a KafkaJSProtocolError whose `type` is Kafka's name of the error. */
export interface Broker {
  readonly nodeId: number | null
  readonly versions: ApiVersions | null
  isConnected(): boolean
  connect(): Promise<void>
  lookupRequest<A, T>(apiKey: number, definition: ProtocolDefinition): (arguments_: A) => WireRequest<T>
  heartbeat(r: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  findGroupCoordinator(r: {
    groupId: string
    coordinatorType: number
  }): Promise<{ coordinator: { nodeId: number; host: string; port: number } }>
  syncGroup(r: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer | null }>
  leaveGroup(r: { groupId: string; memberId: string }): Promise<unknown>
  offsetCommit(r: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[]
  }): Promise<unknown>
  offsetFetch(r: {
    groupId: string
    topics: { topic: string; partitions: { partition: number }[] }[]
  }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>
  listOffsets(r: {
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[]
  }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>
  initProducerId(r: {
    transactionalId: null
    transactionTimeout: number
  }): Promise<{ producerId: string; producerEpoch: number }>
  createTopics(r: {
    topics: {
      topic: string
      numPartitions: number
      replicationFactor: number
      configEntries: { name: string; value: string }[]
    }[]
    timeout: number
  }): Promise<unknown>
  createPartitions(r: {
    topicPartitions: { topic: string; count: number }[]
    timeout: number
  }): Promise<unknown>
  deleteTopics(r: { topics: string[]; timeout: number }): Promise<unknown>
  describeConfigs(r: { resources: { type: number; name: string; configNames: string[] }[] }): Promise<{
    resources: { configEntries: { configName: string; configValue: string | null }[] }[]
  }>
}

export interface RequestQueue {
  pending: unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}
