import { EtlError, UnexpectedError, UnreachableError } from '../../errors.ts'
import { accessDenied, missingRight } from '../access.ts'
import type { KafkaConfig } from '../config.ts'
import { LoginRefusedError, unknownTopic } from '../errors.ts'
import { apiOf } from '../kafkajs/session.ts'

export { unknownTopic }

/** The fields by which kafkajs' errors are told apart; `type` is Kafka's name of an error code. */
interface KafkajsError extends Error {
  readonly type?: string
  readonly code?: string | number
  readonly errors?: readonly KafkajsError[]
}

/** Kafka's name of the error that a broker answered with; undefined for any other failure. */
export function protocolErrorType(error: unknown): string | undefined {
  const { type, errors } = error as KafkajsError
  return type ?? errors?.[0]?.type
}

const transient = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
])

/** True when the same request may succeed later, perhaps at another broker. UnreachableError of a single attempt counts. */
export function isTransient(error: unknown): boolean {
  if (error instanceof LoginRefusedError) return false
  if (isConnectionFailure(error) || error instanceof UnreachableError) return true
  const type = protocolErrorType(error)
  return type !== undefined && transient.has(type)
}

const connectionErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
  'TruncatedMessageError',
])

/** The broker could not be reached or did not answer; whether it got the request is unknown. */
function isConnectionFailure(error: unknown): boolean {
  const { name, message } = error as KafkajsError
  if (connectionErrors.has(name)) return true
  // kafkajs reports a connection lost during the handshake as a failed authentication.
  return name === 'KafkaJSSASLAuthenticationError' && /connection|closed|timed out/i.test(message)
}

/**
 * What a user is told. `doing` completes "while …"; `topic`, or the name that `named` gave the error, is what was asked for. Errors
 * of ours pass through.
 */
export function toEtlError(error: unknown, config: KafkaConfig, doing: string, topic?: string): EtlError {
  if (error instanceof EtlError) return error
  const brokers = config.brokers.join(', ')
  const { name, message } = error as KafkajsError
  const details = { where: brokers, cause: error }
  if (isConnectionFailure(error)) return unreachable(config, error)
  if (name === 'KafkaJSSASLAuthenticationError') {
    return new LoginRefusedError(`Kafka refused the credentials: ${message}`, {
      ...details,
      next: 'check the SASL mechanism, user name and password of the Kafka section of etl.yaml',
    })
  }
  const type = protocolErrorType(error)
  const right = missingRight(type, apiOf(error), names.get(error as object) ?? topic)
  if (right) return accessDenied(config, right, doing, error)
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION' && topic !== undefined) return unknownTopic(topic)
  if (isTransient(error)) {
    return new UnreachableError(`Kafka did not recover while ${doing}: ${type ?? message}`, details)
  }
  return new UnexpectedError(`Kafka failed while ${doing}: ${type ?? message}`, details)
}

const names = new WeakMap<object, string>()

/** Keeps with an error the name of the group or topic that was asked for; returns the error. */
export function named(error: unknown, name: string): unknown {
  if (typeof error === 'object' && error !== null) names.set(error, name)
  return error
}

export function unreachable(config: KafkaConfig, cause: unknown): UnreachableError {
  const brokers = config.brokers.join(', ')
  const why = (cause as Error).message
  return new UnreachableError(`no Kafka broker answered at ${brokers}${why ? ` (${why})` : ''}`, {
    where: brokers,
    next: 'etl stack up, or name the right brokers with --brokers',
    cause,
  })
}
