import type { AvroSchema } from '../schema/avro-schema.ts'

/** 1 schema : 1 topic : 1 table, as it should be. */
export interface DatasetWish {
  readonly schemaText: string
  readonly schema: AvroSchema
  readonly subject: string
  readonly topic: TopicWish
  readonly table: string
  readonly primaryKey: readonly string[]
  readonly keyLength: number | undefined
  readonly flatten: boolean
  /** undefined: on for tables without a key from the data. */
  readonly provenance: boolean | undefined
}

export interface TopicWish {
  readonly name: string
  /** undefined: 3 for a new topic, and an existing one stays as it is. */
  readonly partitions: number | undefined
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly config: ReadonlyMap<string, string>
}
