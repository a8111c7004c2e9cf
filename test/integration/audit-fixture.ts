import assert from 'node:assert/strict'
import { type AuditRequest, audit } from '../../src/audit/audit.ts'
import type { AuditFinding, AuditReport } from '../../src/audit/report.ts'
import { type ConsumeResult, startConsume } from '../../src/engine/consume/start.ts'
import type { KafkaConfig } from '../../src/kafka/config.ts'
import { openAdmin, openProducer } from '../../src/kafka/open.ts'
import { partitionForKey } from '../../src/kafka/partitioner.ts'
import type { OutRecord } from '../../src/kafka/producer.ts'
import { applySteps } from '../../src/plan/apply.ts'
import { planDataset } from '../../src/plan/plan.ts'
import { ByteWriter } from '../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../src/schema/avro/json-encoder.ts'
import { parseJsonExact } from '../../src/schema/avro/json-number.ts'
import { parseSchema } from '../../src/schema/avro-schema.ts'
import type { SchemaRegistry } from '../../src/schema/registry.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { encodeWireFormat } from '../../src/schema/wire-format.ts'
import { openSink } from '../../src/sink/open.ts'
import type { SinkConfig } from '../../src/sink/sink.ts'
import { servers } from './servers.ts'
import type { Workspace } from './workspace.ts'

export function groupOf(topic: string, kind: SinkConfig['kind']): string {
  return `etl-${topic}-${kind}-${servers()[kind].database}`
}

/** The audit as a library, on the servers of the stack. */
export async function runAudit(
  kind: SinkConfig['kind'],
  topic: string,
  more: Partial<AuditRequest> = {},
): Promise<AuditReport> {
  const sink = openSink(servers()[kind])
  try {
    return await audit({
      kafka: kafka(),
      registry: registry(),
      sink,
      topic,
      group: groupOf(topic, kind),
      table: topic,
      ...more,
    })
  } finally {
    await sink.close()
  }
}

/** Every finding that is more than a note, as `cause count`. */
export function faults(report: AuditReport): string[] {
  return findings(report)
    .filter(({ severity }) => severity !== 'note')
    .map(({ cause, count }) => `${cause} ${count}`)
    .sort()
}

export function findings(report: AuditReport): AuditFinding[] {
  return [...report.findings, ...report.partitions.flatMap((partition) => partition.findings)]
}

export function finding(report: AuditReport, cause: AuditFinding['cause']): AuditFinding | undefined {
  return findings(report).find((candidate) => candidate.cause === cause)
}

export interface TableOptions {
  readonly partitions: number
  readonly key?: string
  readonly flatten?: boolean
  readonly provenance?: boolean
  readonly topicConfig?: Readonly<Record<string, string>>
}

/** Schema, topic and table of a dataset, made, filled and consumed in this process. */
export class AuditDataset {
  readonly topic: string
  readonly #kind: SinkConfig['kind']
  #options: TableOptions = { partitions: 1 }
  #schema = ''

  /** `topic`: one that another dataset made already. */
  constructor(work: Workspace, kind: SinkConfig['kind'], name: string, topic = work.topic(name)) {
    this.#kind = kind
    this.topic = topic
  }

  async apply(fields: readonly object[], options: TableOptions): Promise<void> {
    this.#options = options
    this.#schema = JSON.stringify({ type: 'record', name: 'Row', namespace: 'com.exam', fields })
    const { partitions, key, flatten = false, provenance } = options
    const admin = openAdmin(kafka())
    const sink = openSink(servers()[this.#kind])
    try {
      const wish = {
        schemaText: this.#schema,
        schema: parseSchema(this.#schema, this.topic),
        subject: `${this.topic}-value`,
        topic: {
          name: this.topic,
          partitions,
          replicationFactor: -1,
          config: new Map(Object.entries(options.topicConfig ?? {})),
        },
        table: this.topic,
        primaryKey: key === undefined ? [] : key.split(','),
        keyLength: 40,
        flatten,
        provenance,
      }
      const parts = { registry: registry(), admin, sinks: [{ name: this.#kind, sink }] }
      await applySteps(await planDataset(wish, parts), { consents: [], onDone: () => undefined })
    } finally {
      await Promise.all([admin.close(), sink.close()])
    }
  }

  /** JSON objects, or lines of JSON; `key`: the field that becomes the key's text and chooses the partition. */
  async produce(rows: readonly object[] | string, key?: string): Promise<void> {
    const lines = typeof rows === 'string' ? rows.split('\n') : rows.map((row) => JSON.stringify(row))
    const id = await registry().register(`${this.topic}-value`, { schema: this.#schema })
    const encode = compileJsonEncoder(parseSchema(this.#schema, this.topic))
    const out = new ByteWriter()
    const { partitions } = this.#options
    const byPartition = Array.from({ length: partitions }, (): OutRecord[] => [])
    lines.forEach((line, i) => {
      out.reset()
      encode(parseJsonExact(line), out)
      const text = key === undefined ? null : Buffer.from(String(JSON.parse(line)[key]))
      const partition = text === null ? i % partitions : partitionForKey(text, partitions)
      byPartition[partition]?.push({ key: text, value: encodeWireFormat(id, out.copy()) })
    })
    const producer = openProducer(kafka(), { clientId: 'audit-test' })
    try {
      await Promise.all(
        byPartition.map((records, partition) => producer.send(this.topic, partition, records)),
      )
    } finally {
      await producer.close()
    }
  }

  /** To the end of the log. */
  async consume(options: { batchRecords?: number; from?: 'latest' } = {}): Promise<ConsumeResult> {
    const result = await startConsume({
      kafka: kafka(),
      registry: { url: servers().registryUrl },
      sink: { name: this.#kind, config: servers()[this.#kind] },
      topic: this.topic,
      group: groupOf(this.topic, this.#kind),
      table: this.topic,
      schema: undefined,
      mode: undefined,
      flatten: this.#options.flatten ?? false,
      threads: 1,
      from: options.from ?? 'earliest',
      untilEnd: true,
      maxRecords: undefined,
      batchRecords: options.batchRecords ?? 10_000,
      sessionTimeout: 30_000,
      onError: 'dlq',
      dlqTopic: undefined,
      retryFor: undefined,
      ledger: true,
      owner: 'audit-test',
      signal: new AbortController().signal,
      onProgress: () => undefined,
    })
    assert.ok(result.complete)
    return result
  }

  audit(more: Partial<AuditRequest> = {}): Promise<AuditReport> {
    return runAudit(this.#kind, this.topic, { flatten: this.#options.flatten, ...more })
  }
}

function kafka(): KafkaConfig {
  return { brokers: servers().kafka, clientId: 'audit-test' }
}

function registry(): SchemaRegistry {
  return openRegistry({ url: servers().registryUrl })
}
