import { ConfigError, ExitCode } from '../../errors.ts'
import type { KafkaAdmin } from '../../kafka/admin.ts'
import type { KafkaConfig } from '../../kafka/config.ts'
import { openAdmin } from '../../kafka/open.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import { openRegistry } from '../../schema/registry-client/client.ts'
import { openSink } from '../../sink/open.ts'
import type { Sink, SinkConfig } from '../../sink/sink.ts'
import { resolveTarget } from '../target.ts'
import { newBudget } from './budget.ts'
import { consume, isStored } from './coordinator.ts'
import { defaultLimits } from './job.ts'
import { outsideLog } from './outside-log.ts'
import type { ConsumeProgress } from './totals.ts'

export interface ConsumeRequest {
  readonly kafka: KafkaConfig
  readonly registry: RegistryConfig
  readonly sink: { readonly name: string; readonly config: SinkConfig }
  readonly topic: string
  readonly group: string
  readonly table: string
  readonly schema: string | undefined
  readonly mode: 'insert' | 'upsert' | undefined
  readonly flatten: boolean
  readonly threads: number
  readonly from: 'earliest' | 'latest'
  readonly untilEnd: boolean
  readonly maxRecords: number | undefined
  readonly batchRecords: number
  /** Milliseconds. */
  readonly sessionTimeout: number
  readonly onError: 'dlq' | 'stop'
  readonly ledger: boolean
  readonly owner: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: ConsumeProgress) => void
}

export interface ConsumeResult {
  readonly topic: string
  readonly group: string
  readonly sink: string
  readonly table: string
  readonly mode: 'insert' | 'upsert'
  readonly progress: ConsumeProgress
  readonly seconds: number
  /** False when it was interrupted or gave up before the end that was asked for. */
  readonly complete: boolean
  readonly exitCode: ExitCode
}

/**
 * One run of `etl consume`: checks that topic, schema and table fit together, starts the members, waits. Nothing is written when a
 * check fails. Throws ConfigError, UnreachableError, or the error that stopped a member.
 */
export async function startConsume(request: ConsumeRequest): Promise<ConsumeResult> {
  const started = performance.now()
  const admin = openAdmin(request.kafka)
  const sink = openSink(request.sink.config)
  try {
    const { topic, group } = request
    const info = await admin.topic(topic)
    if (!info)
      throw new ConfigError(`the topic ${topic} does not exist`, { next: `etl apply --topic ${topic}` })
    const { reader, target } = await resolveTarget(openRegistry(request.registry), sink, request)
    const until = request.untilEnd ? await endsOf(request, admin, sink) : undefined
    const budget = request.maxRecords === undefined ? undefined : newBudget(request.maxRecords)
    const progress = await consume({
      job: {
        kafka: request.kafka,
        registry: request.registry,
        sink: request.sink.config,
        topic,
        group,
        owner: request.owner,
        target,
        reader,
        from: request.from,
        partitions: info.partitions,
        sessionTimeout: request.sessionTimeout,
        until,
        budget,
        limits: { ...defaultLimits, batchRecords: request.batchRecords },
      },
      threads: Math.min(request.threads, info.partitions),
      maxRecords: request.maxRecords,
      sink,
      signal: request.signal,
      onProgress: request.onProgress,
    })
    const complete =
      (request.maxRecords !== undefined && progress.read >= request.maxRecords) ||
      (until ? isStored(until, await sink.offsets(topic, group)) : request.maxRecords === undefined)
    return {
      topic,
      group,
      sink: request.sink.name,
      table: request.table,
      mode: target.mode,
      progress,
      seconds: (performance.now() - started) / 1000,
      complete,
      exitCode: exitCode(progress, complete),
    }
  } finally {
    await Promise.all([admin.close(), sink.close()])
  }
}

/**
 * The log's ends now. Throws ConfigError for a stored offset beyond them: it would look like an end that is reached.
 * The offsets are read first, and ends only grow, so a running consumer is no false alarm.
 */
async function endsOf(
  { topic, group }: ConsumeRequest,
  admin: KafkaAdmin,
  sink: Sink,
): Promise<ReadonlyMap<number, bigint>> {
  const stored = await sink.offsets(topic, group)
  const [starts, ends] = await Promise.all([admin.startOffsets(topic), admin.endOffsets(topic)])
  for (const [partition, { offset }] of stored) {
    const end = ends.get(partition)
    if (end !== undefined && offset > end)
      throw outsideLog({ topic, partition }, group, offset, starts.get(partition) ?? 0n, end)
  }
  return ends
}

/** A lane's own error decides, then a fence, then whether the end was reached. */
function exitCode(progress: ConsumeProgress, complete: boolean): ExitCode {
  const failed = progress.lanes.find((lane) => lane.state === 'failed' && lane.error)
  if (failed?.error) return failed.error.exitCode
  if (progress.lanes.some((lane) => lane.state === 'fenced')) return ExitCode.fenced
  return complete ? ExitCode.ok : ExitCode.behind
}
