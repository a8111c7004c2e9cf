import { ConfigError, ExitCode, UnreachableError } from '../../errors.ts'
import type { KafkaAdmin } from '../../kafka/admin.ts'
import type { KafkaConfig } from '../../kafka/config.ts'
import { unknownTopic } from '../../kafka/errors.ts'
import { openAdmin } from '../../kafka/open.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import { openRegistry } from '../../schema/registry-client/client.ts'
import { openSink } from '../../sink/open.ts'
import { maxGroupLength, type Sink, type SinkConfig } from '../../sink/sink.ts'
import { resolveTarget } from '../target.ts'
import { newBudget } from './budget.ts'
import { consume, isStored } from './coordinator.ts'
import { type DeadLetterTopic, defaultLimits } from './job.ts'
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
  /** Topic that dead letters are copied to, besides the table. */
  readonly dlqTopic: string | undefined
  /** Milliseconds; default: for ever, or `endingRetryFor` when the run has an end. */
  readonly retryFor: number | undefined
  readonly ledger: boolean
  readonly owner: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: ConsumeProgress) => void
}

/** How long a server may be away in a run that has an end (`--until-end`, `--max-records`), by default; milliseconds. */
const endingRetryFor = 300_000

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
  if (request.group.length > maxGroupLength)
    throw new ConfigError(
      `the name of the group has ${request.group.length} characters, and may have ${maxGroupLength}`,
      {
        where: request.group,
        next: '--group with a shorter name',
      },
    )
  const started = performance.now()
  const admin = openAdmin(request.kafka)
  const sink = openSink(request.sink.config)
  try {
    const { topic, group } = request
    const info = await admin.topic(topic)
    if (!info) throw unknownTopic(topic)
    const deadLetterTopic = await findDeadLetterTopic(admin, request)
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
        retryFor: request.retryFor ?? (until || budget ? endingRetryFor : undefined),
        deadLetterTopic,
      },
      threads: Math.min(request.threads, info.partitions),
      maxRecords: request.maxRecords,
      sink,
      signal: request.signal,
      onProgress: request.onProgress,
    })
    const complete =
      (request.maxRecords !== undefined && progress.read >= request.maxRecords) ||
      (until ? await reached(until, progress, sink, request) : request.maxRecords === undefined)
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

async function reached(
  until: ReadonlyMap<number, bigint>,
  progress: ConsumeProgress,
  sink: Sink,
  { topic, group }: ConsumeRequest,
): Promise<boolean> {
  if (progress.servers.some(({ server, gaveUp }) => server === 'database' && gaveUp)) return false
  try {
    return isStored(until, await sink.offsets(topic, group))
  } catch (error) {
    // The run ended because the database is away: what it did before is worth a report.
    if (error instanceof UnreachableError) return false
    throw error
  }
}

/** Throws ConfigError before anything is read: a copy that cannot be sent would stop the first dead letter. */
async function findDeadLetterTopic(
  admin: KafkaAdmin,
  { topic, dlqTopic, onError }: ConsumeRequest,
): Promise<DeadLetterTopic | undefined> {
  if (dlqTopic === undefined) return undefined
  if (onError === 'stop')
    throw new ConfigError('with --on-error stop there are no dead letters to copy', {
      where: '--dlq-topic',
      next: '--on-error dlq, or no --dlq-topic',
    })
  if (dlqTopic === topic)
    throw new ConfigError(`the topic ${topic} cannot take its own dead letters: they would be read again`, {
      where: '--dlq-topic',
      next: `--dlq-topic ${topic}-dlq`,
    })
  const info = await admin.topic(dlqTopic)
  if (!info)
    throw new ConfigError(`the topic ${dlqTopic} of the dead letters does not exist`, {
      where: '--dlq-topic',
      next: `kafka-topics --create --topic ${dlqTopic}, with as many partitions as ${topic}`,
    })
  return { name: dlqTopic, partitions: info.partitions }
}

/** A lane's own error decides, then a fence, then whether the end was reached. */
function exitCode(progress: ConsumeProgress, complete: boolean): ExitCode {
  const failed = progress.lanes.find((lane) => lane.state === 'failed' && lane.error)
  if (failed?.error) return failed.error.exitCode
  if (progress.lanes.some((lane) => lane.state === 'fenced')) return ExitCode.fenced
  return complete ? ExitCode.ok : ExitCode.behind
}
