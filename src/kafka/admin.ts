/** What `etl` asks of a cluster besides reading and writing. Offsets are bigint, partitions are numbers. */
export interface KafkaAdmin {
  clusterId(): Promise<string>
  /** undefined when the topic does not exist. Never creates it. */
  topic(name: string): Promise<TopicInfo | undefined>
  topicConfig(name: string): Promise<ReadonlyMap<string, string>>
  createTopic(spec: NewTopic): Promise<void>
  createPartitions(name: string, total: number): Promise<void>
  /** Sets the given entries and leaves the others as they are. */
  alterTopicConfig(name: string, entries: ReadonlyMap<string, string>): Promise<void>
  deleteTopic(name: string): Promise<void>
  /** Log start offsets, by partition. */
  startOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>
  /** High watermarks, by partition. */
  endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>
  /** The group's committed offsets; a partition without one is left out. */
  groupOffsets(group: string, topic: string): Promise<ReadonlyMap<number, bigint>>
  close(): Promise<void>
}

export interface TopicInfo {
  readonly name: string
  /** Kafka's topic id (KIP-516), a UUID in Kafka's base64 form; '' before Kafka 2.8. */
  readonly topicId: string
  readonly partitions: number
  readonly replicationFactor: number
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly config: ReadonlyMap<string, string>
}
