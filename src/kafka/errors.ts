import { ConfigError, type ErrorDetails, InputError, UnexpectedError, UnreachableError } from '../errors.ts'
import { type TopicPartition, tpName } from './types.ts'

/** Topics are made by `etl apply`, never by the way. */
export function unknownTopic(topic: string): ConfigError {
  return new ConfigError(`the topic ${topic} does not exist`, { next: `etl apply --topic ${topic}` })
}

/** https://github.com/apache/kafka/blob/4.3.1/clients/src/main/java/org/apache/kafka/common/internals/Topic.java */
export function invalidTopic(topic: string): ConfigError {
  return new ConfigError(`${JSON.stringify(topic)} is no name for a topic`, {
    cause: new Error(
      'Kafka takes letters, digits, ".", "_" and "-", up to 249 of them, and neither "." nor ".." alone',
    ),
    next: 'give it another name, in the flag or in etl.yaml',
  })
}

/** The broker, or who gives out tokens, does not let us in. Asking again does not help. */
export class LoginRefusedError extends UnreachableError {
  override readonly code = 'login_refused'
}

/** An ACL forbids it. */
export class AccessDeniedError extends ConfigError {
  override readonly code = 'access_denied'
}

/** The log does not hold the requested offset: expired, truncated, or the topic was created anew. */
export class OffsetOutOfRangeError extends ConfigError {
  override readonly code = 'offset_out_of_range'
  readonly requested: bigint
  /** First offset of the log. */
  readonly logStart: bigint
  /** The log's end: the offset that the next record gets. */
  readonly logEnd: bigint

  constructor(tp: TopicPartition, requested: bigint, logStart: bigint, logEnd: bigint) {
    const why =
      requested < logStart
        ? `the log starts at ${logStart}: records ${requested} to ${logStart - 1n} expired or were deleted`
        : `the log ends at ${logEnd}: the topic was created anew, truncated, or belongs to another cluster`
    super(`offset ${requested} is not in the log of ${tpName(tp)}: ${why}`, {
      where: `${tpName(tp)}@${requested}`,
      next: `etl offsets reset --topic ${tp.topic} --partition ${tp.partition}`,
    })
    this.requested = requested
    this.logStart = logStart
    this.logEnd = logEnd
  }
}

/** A record batch whose bytes are not what its header says, or in a format that is not read. */
export class CorruptBatchError extends UnexpectedError {
  override readonly code: string = 'corrupt_batch'
}

/** A record batch that would take more memory, decompressed, than is given to one. */
export class BatchTooLargeError extends CorruptBatchError {
  override readonly code = 'batch_too_large'
}

/** Message format 0 or 1: written before Kafka 0.11 and never rewritten since. */
export class OldFormatError extends CorruptBatchError {
  override readonly code = 'old_message_format'
}

/** The topic of an assigned partition was deleted, or deleted and created again, under the reader. */
export class TopicChangedError extends ConfigError {
  override readonly code = 'topic_changed'
}

/** One record is larger than the topic takes. Nothing of it was appended. */
export class RecordTooLargeError extends InputError {
  override readonly code = 'record_too_large'
  readonly bytes: number

  constructor(message: string, bytes: number, details: ErrorDetails = {}) {
    super(message, details)
    this.bytes = bytes
  }
}

/** The broker refused records for good: they were not appended. */
export class RecordsRejectedError extends ConfigError {
  override readonly code = 'records_rejected'
}

/**
 * The producer cannot go on: the broker lost its state or saw a gap, or a batch's fate stayed unknown until the delivery
 * timeout. What was acknowledged before is in the log; what was not acknowledged may or may not be.
 */
export class ProducerLostError extends UnexpectedError {
  override readonly code = 'producer_lost'
}
