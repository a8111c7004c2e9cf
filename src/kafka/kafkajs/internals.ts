/**
 * The only place that reaches into kafkajs 2.2.4 (pinned exactly; the package has no `exports` map).
 *
 * We use its connections, its authentication and its plain request encoders. Its consumer, producer, retry loops and
 * record codecs are not used: src/kafka does those itself, because they lose, leak or stall in ways that a
 * delivery guarantee cannot be built on.
 */
import BrokerModule from 'kafkajs/src/broker/index.js'
import ConnectionModule from 'kafkajs/src/network/connection.js'
import RequestQueueModule from 'kafkajs/src/network/requestQueue/index.js'
import socketFactoryModule from 'kafkajs/src/network/socketFactory.js'
import requestsModule from 'kafkajs/src/protocol/requests/index.js'
import { repairRequestQueue } from './request-queue.ts'
import type {
  Broker,
  Connection,
  ConnectionOptions,
  ConnectionPoolLike,
  Logger,
  ProtocolDefinition,
  RequestQueue,
  SocketFactory,
} from './types.ts'

repairRequestQueue((RequestQueueModule as { prototype: RequestQueue }).prototype)

export const BrokerClient = BrokerModule as new (options: {
  connectionPool: ConnectionPoolLike
  logger: Logger
  authenticationTimeout: number
  allowAutoTopicCreation: boolean
}) => Broker

export const BrokerConnection = ConnectionModule as new (options: ConnectionOptions) => Connection

export const createSocketFactory = socketFactoryModule as () => SocketFactory

const { requests } = requestsModule as { requests: Record<string, ProtocolDefinition> }

/** JoinGroup as kafkajs encodes it; its Broker.joinGroup hides the member id while the join is pending. */
export const joinGroupDefinition = requests.JoinGroup as ProtocolDefinition
