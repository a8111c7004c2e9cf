import type { KafkaAdmin } from './admin.ts'
import type { KafkaConfig } from './config.ts'
import { GroupReader } from './group/group-reader.ts'
import { ClusterAdmin } from './kafka-admin.ts'
import { LogReader } from './log-reader.ts'
import { IdempotentProducer } from './produce/idempotent-producer.ts'
import { TransactionClient } from './produce/transaction-client.ts'
import type { Producer, ProducerOptions, TransactionalProducer } from './producer.ts'
import type { GroupReaderOptions, PartitionReader, Reader } from './reader.ts'
import type { Transactions, TransactionsOptions } from './transactions.ts'

/** Connects when it is first used, as everything here does. */
export function openAdmin(config: KafkaConfig): KafkaAdmin {
  return new ClusterAdmin(config)
}

export function openPartitionReader(config: KafkaConfig): PartitionReader {
  return new LogReader(config)
}

export function openReader(config: KafkaConfig, options: GroupReaderOptions): Reader {
  return new GroupReader(config, options)
}

export function openProducer(config: KafkaConfig, options: ProducerOptions): Producer {
  return new IdempotentProducer(config, options)
}

/** To be given an identity with `use` before the first `send`. */
export function openTransactionalProducer(
  config: KafkaConfig,
  options: ProducerOptions,
): TransactionalProducer {
  return new IdempotentProducer(config, options)
}

export function openTransactions(config: KafkaConfig, options: TransactionsOptions): Transactions {
  return new TransactionClient(config, options)
}
