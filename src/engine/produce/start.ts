import { readFile } from 'node:fs/promises'
import { UsageError } from '../../errors.ts'
import { openAdmin } from '../../kafka/open.ts'
import { openRegistry } from '../../schema/registry-client/client.ts'
import { BadFile } from './bad-file.ts'
import type { Commits } from './commits.ts'
import { type ProduceOutcome, produce } from './produce.ts'
import type { ProduceInput, ProduceRequest } from './request.ts'
import { resumableNames, takeOver } from './resume.ts'
import {
  localSchemas,
  type ProduceSchemas,
  resolveSchemas,
  type TargetRequest,
  targetTopic,
} from './target.ts'
import { fileSource, generateSource, type WorkSource } from './work-source.ts'

/**
 * One run of `etl produce`: opens the input, checks that topic and schema are there, sends. Nothing is sent when a check fails. Throws
 * UsageError, InputError, ConfigError or UnreachableError from the checks; what happens later is in the outcome.
 */
export async function startProduce(request: ProduceRequest): Promise<ProduceOutcome> {
  const reading = new AbortController()
  const stopReading = () => reading.abort()
  if (request.signal.aborted) stopReading()
  request.signal.addEventListener('abort', stopReading, { once: true })
  const run = { request, signal: reading.signal, stopReading }
  try {
    return await (request.resume ? startResumable(run) : startOnce(run))
  } finally {
    request.signal.removeEventListener('abort', stopReading)
  }
}

interface Run {
  readonly request: ProduceRequest
  /** Aborted when nothing more is to be read. */
  readonly signal: AbortSignal
  readonly stopReading: () => void
}

async function startOnce(run: Run): Promise<ProduceOutcome> {
  const source = await openSource(run.request.input, run.signal)
  try {
    const target = await resolve(run.request)
    return await send(run, target, source, await openBadFile(run.request, 0))
  } finally {
    source.close()
  }
}

async function startResumable(run: Run): Promise<ProduceOutcome> {
  const { request } = run
  const names = await resumableNames(request)
  const target = await resolve(request)
  const resumption = await takeOver(request, request.kafka(), names, target.topicId)
  const source = resumption.source(run.signal)
  try {
    request.onResume(resumption.resumed)
    const badFile = await openBadFile(request, resumption.badFileBytes)
    const outcome = await send(run, target, source, badFile, resumption.commits(badFile))
    return { ...outcome, resumed: resumption.resumed }
  } finally {
    source.close()
    resumption.close()
  }
}

async function send(
  { request, stopReading }: Run,
  { schemas, partitions }: Target,
  source: WorkSource,
  badFile: BadFile | undefined,
  commits?: Commits,
): Promise<ProduceOutcome> {
  const { topic, compression, keyFields: fields, keyFormat: format, onBad, unknownFields, input } = request
  const outcome = await produce({
    job: {
      kafka: request.dryRun ? undefined : request.kafka(),
      compression,
      deliveryTimeout: request.deliveryTimeout,
      topic,
      partitions,
      value: schemas.value,
      key: { fields, format, schema: schemas.key },
      onBad,
      unknownFields,
      generate: input.kind === 'generate' ? input : undefined,
    },
    threads: request.threads,
    source,
    badFile,
    commits,
    signal: request.signal,
    stopReading,
    onProgress: request.onProgress,
  })
  return closeBadFile(badFile, outcome)
}

async function openSource(input: ProduceInput, signal: AbortSignal): Promise<WorkSource> {
  return input.kind === 'generate' ? generateSource(input.records, signal) : fileSource({ ...input, signal })
}

interface Target {
  readonly schemas: ProduceSchemas
  readonly partitions: number
  /** '' in a dry run. */
  readonly topicId: string
}

async function resolve(request: ProduceRequest): Promise<Target> {
  const target: TargetRequest = { ...request, file: await schemaFile(request.schema) }
  if (request.dryRun) {
    const schemas = target.file
      ? localSchemas(target)
      : await resolveSchemas(openRegistry(request.registry()), target)
    return { schemas, partitions: 1, topicId: '' }
  }
  const admin = openAdmin(request.kafka())
  try {
    // The topic first: it says more plainly than a missing subject that nothing was applied yet.
    const { partitions, topicId } = await targetTopic(admin, request.topic)
    const schemas = await resolveSchemas(openRegistry(request.registry()), target)
    return { schemas, partitions, topicId }
  } finally {
    await admin.close()
  }
}

async function schemaFile(path: string | undefined): Promise<TargetRequest['file']> {
  if (path === undefined) return undefined
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (cause) {
    throw new UsageError('the schema file cannot be read', {
      where: path,
      cause,
      next: 'etl schema gen SAMPLE.json',
    })
  }
}

async function openBadFile(
  { onBad, badFile, input }: ProduceRequest,
  keep: number,
): Promise<BadFile | undefined> {
  if (onBad === 'stop' || badFile === undefined) return undefined
  return BadFile.open(badFile, input.kind === 'files' ? input.paths : [], keep)
}

/** A disk that is full may say so only here. */
async function closeBadFile(badFile: BadFile | undefined, outcome: ProduceOutcome): Promise<ProduceOutcome> {
  try {
    await badFile?.close()
    return outcome
  } catch (error) {
    return outcome.end === 'failed' ? outcome : { ...outcome, end: 'failed', error }
  }
}
