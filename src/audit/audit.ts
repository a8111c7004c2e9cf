import { resolveTarget } from '../engine/target.ts'
import { UsageError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import { unknownTopic } from '../kafka/errors.ts'
import { openAdmin, openPartitionReader } from '../kafka/open.ts'
import { parseSchema } from '../schema/avro-schema.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import type { LaneTarget, Sink } from '../sink/sink.ts'
import { auditByKey } from './by-key.ts'
import { auditByPlace } from './by-place.ts'
import { auditByValue } from './by-value.ts'
import { textDigest } from './digest.ts'
import { ExpectedRows } from './expected.ts'
import { Findings } from './findings.ts'
import { checkLedger } from './ledger-check.ts'
import { openScopes } from './open-scopes.ts'
import type { AuditMethod, AuditReport } from './report.ts'
import type { AuditParts, PartitionScope } from './scope.ts'
import { summarize } from './summary.ts'

export interface AuditRequest {
  readonly kafka: KafkaConfig
  readonly registry: SchemaRegistry
  readonly sink: Sink
  /** Shown in the report. Default: the sink's kind. */
  readonly sinkName?: string | undefined
  readonly topic: string
  readonly group: string
  readonly table: string
  /** Text of the table's schema; default: the registry's latest of `<topic>-value`. */
  readonly schema?: string | undefined
  /** Default: upsert where the table has a primary key from the data. */
  readonly mode?: 'insert' | 'upsert' | undefined
  readonly flatten?: boolean | undefined
  /**
   * Offsets to stop at, by partition (exclusive). Default: the stored offsets. Only for tables with provenance columns in
   * insert mode: other rows do not say from where on they are to be left out.
   */
  readonly until?: ReadonlyMap<number, bigint> | undefined
  /** Examples of each finding. Default 20. */
  readonly examples?: number | undefined
  /** A column that grows with each inserted row (serial, AUTO_INCREMENT): rows of a partition must ascend in it. */
  readonly orderColumn?: string | undefined
  /** Keys that are kept in memory at once (63 bytes each); upsert mode only. Default 3 million. */
  readonly keys?: number | undefined
  readonly onProgress?: ((progress: AuditProgress) => void) | undefined
}

export interface AuditProgress {
  readonly partition: number
  /** Records of the log read so far, of all partitions. */
  readonly records: bigint
}

/**
 * Compares every committed record of the log, up to the stored offsets, with every row of the table, value by value. Reads
 * only, and joins no group; the database is read in one snapshot, so that running consumers are no false alarm. Log records are decoded by
 * another library (avsc) than the consumer's. Memory is bounded, whatever the number of records.
 *
 * Throws ConfigError when topic, schema or table is missing, UsageError for a request that cannot be answered,
 * UnreachableError when a server is away.
 */
export async function audit(request: AuditRequest): Promise<AuditReport> {
  const admin = openAdmin(request.kafka)
  const reader = openPartitionReader(request.kafka)
  try {
    const info = await admin.topic(request.topic)
    if (!info) throw unknownTopic(request.topic)
    const { reader: schemas, target } = await resolveTarget(request.registry, request.sink, {
      ...request,
      schema: request.schema,
      mode: request.mode,
      flatten: request.flatten ?? false,
      ledger: true,
      onError: 'dlq',
    })
    const method = methodOf(target)
    if (request.until && method !== 'place')
      throw new UsageError(`"until" needs an append table with provenance columns`, { where: request.table })
    const startsBefore = await admin.startOffsets(request.topic)
    const snapshot = await request.sink.snapshot()
    try {
      const { value, key } = schemas
      const read = {
        value: parseSchema(value.text, "the table's schema", value.references),
        key: key && parseSchema(key.text, "the table's key schema", key.references),
      }
      const scopes = await openScopes({ admin, snapshot, request, info, startsBefore })
      let records = 0n
      const parts: AuditParts = {
        reader,
        snapshot,
        rows: new ExpectedRows(request.registry, read, target.table),
        spec: target.table,
        onRecords: (partition, count) => {
          records += BigInt(count)
          request.onProgress?.({ partition, records })
        },
        logEnds: () => admin.endOffsets(request.topic),
      }
      const findings = new Findings(request.examples ?? 20)
      await compare(request, target, method, parts, scopes, findings)
      for (const scope of scopes) {
        await checkLedger(snapshot, scope, request.group, request.examples ?? 20)
      }
      const counts = await snapshot.rowCounts(request.table)
      return summarize({
        topic: request.topic,
        group: request.group,
        sink: request.sinkName ?? request.sink.kind,
        table: request.table,
        mode: target.mode,
        method,
        scopes,
        findings,
        rowCounts: counts,
        provenance: target.table.provenance,
      })
    } finally {
      await snapshot.close()
    }
  } finally {
    await Promise.all([admin.close(), reader.close()])
  }
}

function methodOf({ table, mode }: LaneTarget): AuditMethod {
  if (mode === 'upsert') return 'key'
  return table.provenance ? 'place' : 'values'
}

async function compare(
  { table, orderColumn, keys }: AuditRequest,
  target: LaneTarget,
  method: AuditMethod,
  parts: AuditParts,
  scopes: readonly PartitionScope[],
  findings: Findings,
): Promise<void> {
  const claimed = scopes.filter((scope) => scope.stored)
  if (claimed.length === 0) return
  if (method === 'place') {
    for (const scope of claimed) await auditByPlace(parts, scope, table, orderColumn)
    return
  }
  const digestOf = await textDigest()
  const request = { table, provenance: target.table.provenance, digestOf, findings }
  if (method === 'values') await auditByValue(parts, claimed, request)
  else await auditByKey(parts, claimed, keys === undefined ? request : { ...request, keys })
}
