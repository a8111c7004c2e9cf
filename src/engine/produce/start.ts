import { readFile } from 'node:fs/promises'
import { UsageError } from '../../errors.ts'
import type { KafkaConfig } from '../../kafka/config.ts'
import { openAdmin } from '../../kafka/open.ts'
import type { Compression } from '../../kafka/producer.ts'
import type { RegistryConfig } from '../../schema/registry.ts'
import { openRegistry } from '../../schema/registry-client/client.ts'
import type { TextFormat } from '../../source/file/format.ts'
import { BadFile } from './bad-file.ts'
import { type ProduceOutcome, produce } from './produce.ts'
import type { KeyFormat } from './record-key.ts'
import type { Totals } from './tally.ts'
import {
  localSchemas,
  type ProduceSchemas,
  partitionsOf,
  resolveSchemas,
  type TargetRequest,
} from './target.ts'
import { fileSource, generateSource, type WorkSource } from './work-source.ts'

export type ProduceInput =
  | {
      readonly kind: 'files'
      readonly paths: readonly string[]
      readonly format: Partial<TextFormat>
      readonly limit: number | undefined
    }
  | {
      readonly kind: 'generate'
      readonly records: number
      readonly seed: number
      readonly unique: readonly string[]
    }

export interface ProduceRequest {
  /** Called only when the part is needed: a dry run needs no brokers, and with a schema file no registry. */
  readonly kafka: () => KafkaConfig
  readonly registry: () => RegistryConfig
  readonly input: ProduceInput
  readonly topic: string
  readonly subject: string
  /** Path of a schema file; undefined: the latest version of the subject. */
  readonly schema: string | undefined
  readonly register: boolean
  readonly keyFields: readonly string[]
  readonly keyFormat: KeyFormat
  readonly threads: number
  readonly compression: Compression
  readonly onBad: 'stop' | 'skip'
  /** Path of the file for bad records; with onBad 'skip'. */
  readonly badFile: string | undefined
  readonly unknownFields: 'error' | 'ignore'
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly onProgress: (totals: Totals, fraction: number | undefined) => void
}

/**
 * One run of `etl produce`: opens the input, checks that topic and schema are there, sends. Nothing is sent when a check fails. Throws
 * UsageError, InputError, ConfigError or UnreachableError from the checks; what happens later is in the outcome.
 */
export async function startProduce(request: ProduceRequest): Promise<ProduceOutcome> {
  const reading = new AbortController()
  const stopReading = () => reading.abort()
  if (request.signal.aborted) stopReading()
  request.signal.addEventListener('abort', stopReading, { once: true })
  const source = await openSource(request.input, reading.signal)
  let badFile: BadFile | undefined
  try {
    const { schemas, partitions } = await resolve(request)
    badFile = await openBadFile(request)
    const { topic, compression, keyFields: fields, keyFormat: format, onBad, unknownFields, input } = request
    const outcome = await produce({
      job: {
        kafka: request.dryRun ? undefined : request.kafka(),
        compression,
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
      signal: request.signal,
      stopReading,
      onProgress: request.onProgress,
    })
    return await closeBadFile(badFile, outcome)
  } finally {
    source.close()
    request.signal.removeEventListener('abort', stopReading)
  }
}

async function openSource(input: ProduceInput, signal: AbortSignal): Promise<WorkSource> {
  return input.kind === 'generate' ? generateSource(input.records, signal) : fileSource({ ...input, signal })
}

async function resolve(request: ProduceRequest): Promise<{ schemas: ProduceSchemas; partitions: number }> {
  const target: TargetRequest = { ...request, file: await schemaFile(request.schema) }
  if (request.dryRun) {
    const schemas = target.file
      ? localSchemas(target)
      : await resolveSchemas(openRegistry(request.registry()), target)
    return { schemas, partitions: 1 }
  }
  const admin = openAdmin(request.kafka())
  try {
    // The topic first: it says more plainly than a missing subject that nothing was applied yet.
    const partitions = await partitionsOf(admin, request.topic)
    return { schemas: await resolveSchemas(openRegistry(request.registry()), target), partitions }
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

async function openBadFile({ onBad, badFile, input }: ProduceRequest): Promise<BadFile | undefined> {
  if (onBad === 'stop' || badFile === undefined) return undefined
  return BadFile.open(badFile, input.kind === 'files' ? input.paths : [])
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
