import { randomUUID } from 'node:crypto'
import { ConfigError } from '../../errors.ts'
import type { KafkaConfig } from '../../kafka/config.ts'
import { openAdmin, openPartitionReader } from '../../kafka/open.ts'
import type { KafkaRecord } from '../../kafka/types.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import { openRegistry } from '../../schema/registry-client/client.ts'
import type { LetterBox, LetterCount, LetterQuery } from '../../sink/letters.ts'
import { openSink } from '../../sink/open.ts'
import type { EncodedBatch, LaneTarget, Sink, SinkConfig } from '../../sink/sink.ts'
import { keyFunction } from '../../sink/sql/fold.ts'
import { RecordEncoder } from '../consume/record-encoder.ts'
import { recordDigest } from '../digest.ts'
import { resolveTarget } from '../target.ts'
import { LaterDeletes } from './later-deletes.ts'
import { type ReplayRun, type ReplayTotals, replay } from './replay.ts'

export interface ReplayStart {
  readonly kafka: () => KafkaConfig
  readonly registry: RegistryConfig
  readonly sink: SinkConfig
  readonly table: string
  readonly schema: string | undefined
  readonly mode: 'insert' | 'upsert' | undefined
  readonly flatten: boolean
  readonly query: ReplayRun['query']
  readonly maxAttempts: number
  readonly overwrite: boolean
  /** false: only the plan. */
  readonly execute: boolean
  /** Host and process. */
  readonly owner: string
  readonly signal: AbortSignal
  readonly onProgress: (totals: ReplayTotals) => void
}

export interface ReplayResult {
  readonly mode: 'insert' | 'upsert'
  /** The pending letters that the filters choose, before the replay. */
  readonly chosen: readonly LetterCount[]
  /** undefined: nothing was executed. */
  readonly totals: ReplayTotals | undefined
}

/**
 * `etl dlq replay`: checks schema and table as `etl consume` does, counts what is chosen, and replays it. Throws ConfigError when the
 * table cannot say which record a row came from, in upsert mode without `overwrite`.
 */
export async function startReplay(start: ReplayStart): Promise<ReplayResult> {
  const sink = openSink(start.sink)
  const registry = openRegistry(start.registry)
  try {
    const { topic } = start.query
    const { reader, target } = await resolveTarget(registry, sink, {
      topic,
      table: start.table,
      schema: start.schema,
      mode: start.mode,
      flatten: start.flatten,
      ledger: false,
      onError: 'dlq',
    })
    requireOrder(target, start.overwrite)
    const chosen = await sink.countLetters({ ...start.query, state: 'pending' })
    if (!start.execute || chosen.length === 0) return { mode: target.mode, chosen, totals: undefined }
    const encoder = new RecordEncoder(registry, reader, target, await recordDigest())
    const totals = await replayWith(start, sink, target, (records) => encodeWith(encoder, records))
    return { mode: target.mode, chosen, totals }
  } finally {
    registry.close()
    await sink.close()
  }
}

async function replayWith(
  start: ReplayStart,
  letters: Sink & LetterBox,
  target: LaneTarget,
  encode: ReplayRun['encode'],
): Promise<ReplayTotals> {
  const run = {
    letters,
    encode,
    target,
    query: start.query satisfies Omit<LetterQuery, 'state'>,
    maxAttempts: start.maxAttempts,
    replayId: `${start.owner}/${randomUUID()}`,
    overwrite: start.overwrite,
    signal: start.signal,
    onProgress: start.onProgress,
  }
  if (target.mode === 'insert' || start.overwrite) return await replay({ ...run, laterDeletes: undefined })
  const admin = openAdmin(start.kafka())
  const reader = openPartitionReader(start.kafka())
  try {
    const laterDeletes = new LaterDeletes({
      read: (tp, from, to) => reader.read(tp, from, to),
      bounds: async ({ topic, partition }) => {
        const [starts, ends] = await Promise.all([admin.startOffsets(topic), admin.endOffsets(topic)])
        return { start: starts.get(partition) ?? 0n, end: ends.get(partition) ?? 0n }
      },
      deletions: async (records) => (await encode(records)).rows,
      keyOf: keyFunction(target.table),
    })
    return await replay({ ...run, laterDeletes })
  } finally {
    await Promise.all([admin.close(), reader.close()])
  }
}

async function encodeWith(encoder: RecordEncoder, records: readonly KafkaRecord[]): Promise<EncodedBatch> {
  await encoder.learn(records)
  return encoder.encode({ firstOffset: 0n, nextOffset: 0n, records })
}

/** An old record must not overwrite a newer row, and only provenance columns tell which is which. */
function requireOrder({ mode, table }: LaneTarget, overwrite: boolean): void {
  if (mode === 'insert' || table.provenance || overwrite) return
  throw new ConfigError(
    `the table ${table.table} does not say which record a row came from, so an old letter could overwrite a newer row`,
    {
      where: table.table,
      next: 'etl apply adds kafka_partition and kafka_offset; --overwrite takes the risk',
    },
  )
}
