import type { WireRequest } from '../kafkajs/types.ts'
import { ApiKey } from './api-keys.ts'
import { ErrorCode } from './error-codes.ts'
import { message } from './message.ts'
import type { WireReader } from './wire.ts'

/** Who writes: a transactional id, and what its coordinator gave for it. */
export interface TransactionIdentity {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface InitProducerIdAnswer {
  readonly errorCode: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * InitProducerId v3 or v4 (Kafka 2.5 or 2.7): takes a transactional id over. With the identity that the caller holds
 * already the coordinator refuses if somebody else has taken it over since (KIP-360). `timeout`: milliseconds after which the
 * coordinator aborts a transaction. https://kafka.apache.org/protocol#The_Messages_InitProducerId
 */
export function initProducerIdRequest(
  request: { transactionalId: string; timeout: number; known?: TransactionIdentity | undefined },
  maxVersion: number,
): WireRequest<InitProducerIdAnswer> {
  return message<InitProducerIdAnswer>({
    apiKey: ApiKey.initProducerId,
    apiVersion: Math.min(maxVersion, 4),
    apiName: 'InitProducerId',
    flexible: true,
    write(body) {
      body.compactString(request.transactionalId).int32(request.timeout)
      body.int64(request.known?.producerId ?? -1n).int16(request.known?.producerEpoch ?? -1)
      body.noTags()
    },
    read(body) {
      const throttle = body.int32()
      const errorCode = body.int16()
      return { throttle, result: { errorCode, producerId: body.int64(), producerEpoch: body.int16() } }
    },
  })
}

/**
 * AddPartitionsToTxn v0 to v2: from now on the partitions take records of the transaction. Answers with the first error code.
 * https://kafka.apache.org/protocol#The_Messages_AddPartitionsToTxn
 */
export function addPartitionsRequest(
  identity: TransactionIdentity,
  topic: string,
  partitions: readonly number[],
  maxVersion: number,
): WireRequest<number> {
  return message<number>({
    apiKey: ApiKey.addPartitionsToTxn,
    apiVersion: Math.min(maxVersion, 2),
    apiName: 'AddPartitionsToTxn',
    flexible: false,
    write(body) {
      body.string(identity.transactionalId).int64(identity.producerId).int16(identity.producerEpoch)
      body.array([topic], () => body.string(topic).array(partitions, (partition) => body.int32(partition)))
    },
    read: readPartitionCodes,
  })
}

/**
 * AddOffsetsToTxn v0 to v2: the group's offsets become part of the transaction.
 * https://kafka.apache.org/protocol#The_Messages_AddOffsetsToTxn
 */
export function addOffsetsRequest(
  identity: TransactionIdentity,
  group: string,
  maxVersion: number,
): WireRequest<number> {
  return message<number>({
    apiKey: ApiKey.addOffsetsToTxn,
    apiVersion: Math.min(maxVersion, 2),
    apiName: 'AddOffsetsToTxn',
    flexible: false,
    write(body) {
      body.string(identity.transactionalId).int64(identity.producerId).int16(identity.producerEpoch)
      body.string(group)
    },
    read: (body) => ({ throttle: body.int32(), result: body.int16() }),
  })
}

/** An offset of a group with the text that is kept beside it. */
export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string
}

/**
 * TxnOffsetCommit v2 (Kafka 2.1): the offset counts when the transaction is committed. No member of the group takes part, so
 * nothing is fenced by generation (v3). https://kafka.apache.org/protocol#The_Messages_TxnOffsetCommit
 */
export function txnOffsetCommitRequest(
  identity: TransactionIdentity,
  group: string,
  { topic, partition, offset, metadata }: GroupOffset,
): WireRequest<number> {
  return message<number>({
    apiKey: ApiKey.txnOffsetCommit,
    apiVersion: 2,
    apiName: 'TxnOffsetCommit',
    flexible: false,
    sizeHint: metadata.length + 256,
    write(body) {
      body.string(identity.transactionalId).string(group)
      body.int64(identity.producerId).int16(identity.producerEpoch)
      body.array([topic], () => {
        body.string(topic).array([partition], () => {
          body.int32(partition).int64(offset).int32(-1).string(metadata) // -1: no leader epoch
        })
      })
    },
    read: readPartitionCodes,
  })
}

/** EndTxn v0 to v2. https://kafka.apache.org/protocol#The_Messages_EndTxn */
export function endTxnRequest(
  identity: TransactionIdentity,
  how: 'commit' | 'abort',
  maxVersion: number,
): WireRequest<number> {
  return message<number>({
    apiKey: ApiKey.endTxn,
    apiVersion: Math.min(maxVersion, 2),
    apiName: 'EndTxn',
    flexible: false,
    write(body) {
      body.string(identity.transactionalId).int64(identity.producerId).int16(identity.producerEpoch)
      body.boolean(how === 'commit')
    },
    read: (body) => ({ throttle: body.int32(), result: body.int16() }),
  })
}

export interface OffsetFetchAnswer {
  readonly errorCode: number
  /** -1: the group has none. */
  readonly offset: bigint
  readonly metadata: string
}

/**
 * OffsetFetch v7 (Kafka 2.5) of one partition. `require_stable` is set: while a transaction with an offset for it is being ended, the answer is
 * UNSTABLE_OFFSET_COMMIT instead of the offset before (KIP-447). https://kafka.apache.org/protocol#The_Messages_OffsetFetch
 */
export function stableOffsetRequest(
  group: string,
  topic: string,
  partition: number,
): WireRequest<OffsetFetchAnswer> {
  return message<OffsetFetchAnswer>({
    apiKey: ApiKey.offsetFetch,
    apiVersion: 7,
    apiName: 'OffsetFetch',
    flexible: true,
    write(body) {
      body.compactString(group)
      body.compactArray([topic], () => {
        body
          .compactString(topic)
          .compactArray([partition], () => body.int32(partition))
          .noTags()
      })
      body.boolean(true).noTags()
    },
    read(body) {
      const throttle = body.int32()
      let found = { errorCode: ErrorCode.none as number, offset: -1n, metadata: '' }
      body.compactArray(() => {
        body.compactString() // topic
        body.compactArray(() => {
          body.int32() // partition
          const offset = body.int64()
          body.int32() // leader epoch
          const metadata = body.compactString() ?? ''
          found = { errorCode: body.int16(), offset, metadata }
          body.skipTags()
        })
        body.skipTags()
      })
      const errorCode = body.int16()
      return { throttle, result: errorCode === ErrorCode.none ? found : { ...found, errorCode } }
    },
  })
}

/** Of several codes the one that says most: partitions that were not tried because of others come last. */
function worstOf(codes: readonly number[]): number {
  const errors = codes.filter((code) => code !== ErrorCode.none)
  return errors.find((code) => code !== ErrorCode.operationNotAttempted) ?? errors[0] ?? ErrorCode.none
}

/** Throttle time, then topics with partitions and their codes: what AddPartitionsToTxn and TxnOffsetCommit answer. */
function readPartitionCodes(body: WireReader): { throttle: number; result: number } {
  const throttle = body.int32()
  const codes: number[] = []
  body.array(() => {
    body.string()
    body.array(() => {
      body.int32() // partition
      codes.push(body.int16())
    })
  })
  return { throttle, result: worstOf(codes) }
}
