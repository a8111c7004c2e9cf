import type { KafkaAdmin } from './admin.ts'
import type { KafkaConfig } from './config.ts'
import { GroupReader } from './group/group-reader.ts'
import { ClusterAdmin } from './kafka-admin.ts'
import { LogReader } from './log-reader.ts'
import { IdempotentProducer } from './produce/idempotent-producer.ts'
import type { Producer, ProducerOptions } from './producer.ts'
import type { GroupReaderOptions, PartitionReader, Reader } from './reader.ts'

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
