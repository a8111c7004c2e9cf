import { openAdmin } from '../kafka/open.ts'
import { applySteps } from '../plan/apply.ts'
import { planDataset } from '../plan/plan.ts'
import { ByteWriter } from '../schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../schema/avro/json-encoder.ts'
import { parseSchema } from '../schema/avro-schema.ts'
import { openRegistry } from '../schema/registry-client/client.ts'
import { provenanceColumns } from '../schema/table-spec.ts'
import { encodeWireFormat } from '../schema/wire-format.ts'
import { openSink } from '../sink/open.ts'
import type { Sink } from '../sink/sink.ts'
import { generateValues } from '../source/generate/generate.ts'
import type { Places } from './links.ts'

/** Small records with the types that are easily damaged on the way. */
const schema = {
  type: 'record',
  name: 'Event',
  namespace: 'etl.chaos',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 } },
    { name: 'ratio', type: 'double' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'raw', type: ['null', 'bytes'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
} as const

/** Field that the producer numbers its records in. */
export const keyField = 'id'

/**
 * Registers the schema and makes the topic and a table in each sink; the table says of each row which record it came from. Gives the
 * schema's id.
 */
export async function makeDataset(places: Places, topic: string, partitions: number): Promise<number> {
  const schemaText = JSON.stringify(schema)
  const admin = openAdmin(places.kafka)
  const sinks = places.sinks.map(({ name, config }) => ({ name, sink: openSink(config) }))
  try {
    const wish = {
      schemaText,
      schema: parseSchema(schemaText, 'chaos'),
      subject: `${topic}-value`,
      topic: { name: topic, partitions, replicationFactor: -1, config: new Map<string, string>() },
      table: topic,
      primaryKey: [],
      keyLength: undefined,
      flatten: false,
      provenance: true,
    }
    const registry = openRegistry(places.registry)
    const steps = await planDataset(wish, { registry, admin, sinks })
    await applySteps(steps, { consents: [], onDone: () => undefined })
    for (const { sink } of sinks) await loosen(sink, topic)
    return await registry.register(wish.subject, { schema: schemaText })
  } finally {
    await Promise.all([admin.close(), ...sinks.map(({ sink }) => sink.close())])
  }
}

/** Column that grows with each row: the order in which rows came. */
export const orderColumn = 'chaos_order'

/**
 * Takes the unique key from the table, which would refuse a doubled row: nothing but the engine is to prevent it. And makes it tell in
 * which order its rows came.
 */
async function loosen(sink: Sink, table: string): Promise<void> {
  const { partition, offset } = provenanceColumns
  const sql = {
    postgres: [
      `ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey, ADD COLUMN ${orderColumn} bigserial`,
      `CREATE INDEX ON ${table} (${partition}, ${offset})`,
    ],
    mysql: [
      `ALTER TABLE ${table} DROP PRIMARY KEY, ADD INDEX (${partition}, ${offset}),
         ADD COLUMN ${orderColumn} BIGINT NOT NULL AUTO_INCREMENT UNIQUE`,
    ],
  }[sink.kind]
  await sink.apply([{ kind: 'alter', object: `table ${table}`, detail: 'no unique key', sql }])
}

/** The dataset's records as the topic holds them: generated, the same for the same seed and index. */
export function encodeEvents(schemaId: number, seed: number): (index: number) => Buffer {
  const parsed = parseSchema(JSON.stringify(schema), 'chaos')
  const value = generateValues(parsed, seed, { unique: [keyField] })
  const encode = compileJsonEncoder(parsed)
  const out = new ByteWriter()
  return (index) => {
    out.reset()
    encode(value(index), out)
    return encodeWireFormat(schemaId, out.view())
  }
}

/** Removes topic and tables again, and what the bookkeeping holds of them. The schema stays registered: subjects are never deleted. */
export async function removeDataset(places: Places, topic: string): Promise<void> {
  const admin = openAdmin(places.kafka)
  const sinks = places.sinks.map(({ config }) => openSink(config))
  try {
    await admin.deleteTopic(topic)
    for (const sink of sinks) {
      const sql = [
        `DROP TABLE ${topic}`,
        ...['kafka_offsets', 'etl_ledger', 'etl_dead_letters'].map(
          (table) => `DELETE FROM ${table} WHERE topic = '${topic}'`,
        ),
      ]
      await sink.apply([{ kind: 'drop', object: `table ${topic}`, detail: 'end of etl chaos', sql }])
    }
  } finally {
    await Promise.all([admin.close(), ...sinks.map((sink) => sink.close())])
  }
}
