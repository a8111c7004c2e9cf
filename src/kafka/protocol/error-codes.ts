/**
 * Kafka's error codes that a fetch, a produce, a metadata or a transaction's response can carry.
 * https://kafka.apache.org/protocol#protocol_error_codes
 */
export const ErrorCode = {
  unknownServerError: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedForMessageFormat: 43,
  policyViolation: 44,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionCoordinatorFenced: 52,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  kafkaStorageError: 56,
  unknownProducerId: 59,
  listenerNotFound: 72,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  invalidRecord: 87,
  unstableOffsetCommit: 88,
  throttlingQuotaExceeded: 89,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
  transactionAbortable: 120,
} as const

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name.replace(/[A-Z]/g, '_$&').toUpperCase()]),
)

/** Kafka's own name of the code, as its logs and docs spell it. */
export function errorName(code: number): string {
  return names.get(code) ?? `error code ${code}`
}

const moved = new Set<number>([
  ErrorCode.unknownTopicOrPartition,
  ErrorCode.leaderNotAvailable,
  ErrorCode.notLeaderOrFollower,
  ErrorCode.replicaNotAvailable,
  ErrorCode.kafkaStorageError,
  ErrorCode.listenerNotFound,
  ErrorCode.fencedLeaderEpoch,
  ErrorCode.unknownLeaderEpoch,
  ErrorCode.offsetNotAvailable,
  ErrorCode.unknownTopicId,
  ErrorCode.inconsistentTopicId,
])

/** The partition may have another leader now: refresh the metadata, wait a little and ask again. */
export function isLeaderChange(code: number): boolean {
  return moved.has(code)
}

const retriable = new Set<number>([
  ...moved,
  ErrorCode.unknownServerError,
  ErrorCode.corruptMessage,
  ErrorCode.requestTimedOut,
  ErrorCode.networkException,
  ErrorCode.notEnoughReplicas,
  ErrorCode.notEnoughReplicasAfterAppend,
  ErrorCode.throttlingQuotaExceeded,
])

export function isRetriable(code: number): boolean {
  return retriable.has(code)
}
