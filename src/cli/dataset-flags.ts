import { readFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import type { Context, Dataset } from '../config/context.ts'
import { UsageError } from '../errors.ts'
import { openAdmin } from '../kafka/open.ts'
import type { DatasetWish } from '../plan/dataset-wish.ts'
import type { PlanParts } from '../plan/plan.ts'
import { parseSchema } from '../schema/avro-schema.ts'
import { openRegistry } from '../schema/registry-client/client.ts'
import { openSink } from '../sink/open.ts'
import { kafkaFlags, registryFlags, sinksFlag } from './flags.ts'

/** Flags of `etl plan` and `etl apply`; etl.yaml's datasets give the same by their names. */
export const datasetFlags = {
  topic: Flags.string({
    char: 't',
    description: 'topic, or a dataset of etl.yaml; default: all datasets of etl.yaml',
    env: 'ETL_TOPIC',
  }),
  schema: Flags.string({ description: 'Avro schema file of the record value', helpValue: 'FILE' }),
  sink: sinksFlag,
  ...kafkaFlags,
  ...registryFlags,
  table: Flags.string({ description: "table; default: the topic's name" }),
  key: Flags.string({
    char: 'k',
    description: 'columns of the primary key, with commas between them',
    helpValue: 'COLUMN,…',
  }),
  'key-length': Flags.integer({
    description: 'longest text key that MySQL shall take, characters; longer ones become dead letters',
    min: 1,
    max: 768,
  }),
  partitions: Flags.integer({
    char: 'p',
    description: 'partitions of the topic; default: 3 for a new one',
    min: 1,
  }),
  replication: Flags.integer({ description: "replication factor; default: the broker's", min: 1 }),
  'topic-config': Flags.string({
    description: 'setting of the topic; several times',
    multiple: true,
    helpValue: 'NAME=VALUE',
  }),
  flatten: Flags.boolean({ description: 'nested records become columns instead of JSON' }),
  provenance: Flags.boolean({
    description: 'columns kafka_partition and kafka_offset; default: for tables without key from the data',
    allowNo: true,
  }),
}

type DatasetFlags = {
  topic?: string | undefined
  schema?: string | undefined
  sink?: string[] | undefined
  table?: string | undefined
  key?: string | undefined
  'key-length'?: number | undefined
  partitions?: number | undefined
  replication?: number | undefined
  'topic-config'?: string[] | undefined
  flatten: boolean
  provenance?: boolean | undefined
}

/** The datasets that the flags name, flags before etl.yaml. Throws UsageError when nothing is named. */
export function selectDatasets(context: Context, flags: DatasetFlags): Dataset[] {
  if (flags.topic !== undefined) return [context.dataset(flags.topic)]
  const all = context.datasets()
  if (all.length === 0)
    throw new UsageError('no dataset: neither --topic nor a dataset in etl.yaml', {
      next: 'etl plan --topic NAME --schema FILE.avsc',
    })
  return all
}

/** What the dataset shall be. Throws InputError for a schema that is none. */
export async function wishOf(dataset: Dataset, flags: DatasetFlags): Promise<DatasetWish> {
  const file = flags.schema ?? dataset.schema
  if (file === undefined)
    throw new UsageError(`no schema given for the topic ${dataset.topic}`, {
      next: `etl plan --topic ${dataset.topic} --schema FILE.avsc (etl schema gen makes one from samples)`,
    })
  const schemaText = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError('the schema file cannot be read', {
      where: file,
      cause,
      next: 'etl schema gen SAMPLE.json',
    })
  })
  return {
    schemaText,
    schema: parseSchema(schemaText, file),
    subject: `${dataset.topic}-value`,
    topic: {
      name: dataset.topic,
      partitions: flags.partitions ?? dataset.partitions,
      replicationFactor: flags.replication ?? dataset.replication ?? -1,
      config: topicConfig(dataset, flags['topic-config'] ?? []),
    },
    table: flags.table ?? dataset.table,
    primaryKey: flags.key?.split(',').map((name) => name.trim()) ?? dataset.key ?? [],
    keyLength: flags['key-length'] ?? dataset.keyLength,
    flatten: flags.flatten || dataset.flatten === true,
    provenance: flags.provenance ?? dataset.provenance,
  }
}

/** Opens registry, cluster and databases for `use`, and closes them after it. */
export async function withPlanParts<T>(
  context: Context,
  dataset: Dataset,
  refs: readonly string[] | undefined,
  use: (parts: PlanParts) => Promise<T>,
): Promise<T> {
  const admin = openAdmin(context.kafka())
  const sinks = context
    .selectSinks(refs, dataset)
    .map(({ name, config }) => ({ name, sink: openSink(config) }))
  try {
    return await use({ registry: openRegistry(context.registry()), admin, sinks })
  } finally {
    await Promise.all([admin.close(), ...sinks.map(({ sink }) => sink.close())])
  }
}

function topicConfig(dataset: Dataset, pairs: readonly string[]): Map<string, string> {
  const config = new Map(
    Object.entries(dataset.topicConfig ?? {}).map(([name, value]) => [name, String(value)]),
  )
  for (const pair of pairs) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(pair) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError(`"${pair}" is not NAME=VALUE`, {
        where: '--topic-config',
        next: '--topic-config retention.ms=604800000',
      })
    config.set(name, value)
  }
  return config
}
