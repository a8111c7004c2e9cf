import { resolve } from 'node:path'
import type { KafkaConfig } from '../../kafka/config.ts'
import { openTransactions } from '../../kafka/open.ts'
import type { Transactions } from '../../kafka/transactions.ts'
import type { BadFile } from './bad-file.ts'
import { Commits } from './commits.ts'
import type { SameFlags } from './position.ts'
import type { ResumedInput } from './produce.ts'
import type { ProduceRequest } from './request.ts'
import {
  fileNames,
  generatedName,
  type InputName,
  type ResumableInput,
  takeInput,
} from './resumable-input.ts'
import { resumableFileSource, resumableGenerateSource } from './resumable-source.ts'
import type { WorkSource } from './work-source.ts'

/** Ids that are taken over at the same time: each costs some round trips. */
const atOnce = 16

/** What a run that can be resumed has besides an ordinary one. */
export interface Resumption {
  readonly resumed: readonly ResumedInput[]
  source(signal: AbortSignal): WorkSource
  commits(badFile: BadFile | undefined): Commits
  /** Bytes of the bad-record file that belong to records which earlier runs are done with. */
  readonly badFileBytes: number
  close(): void
}

/** Names the inputs of a resumable run. Throws UsageError for those that cannot be read a second time; asks no server. */
export function resumableNames(request: ProduceRequest): Promise<InputName[]> {
  const { input, topic, resume } = request
  return input.kind === 'files'
    ? fileNames(input.paths, topic, resume?.id)
    : Promise.resolve([generatedName(topic, input.seed, resume?.id)])
}

/**
 * Takes the inputs over from earlier runs, dead or alive, and reads how far they came. Throws what `takeInput` throws.
 */
export async function takeOver(
  request: ProduceRequest,
  kafka: KafkaConfig,
  names: readonly InputName[],
  topicId: string,
): Promise<Resumption> {
  const { topic, input, badFile: badPath, deliveryTimeout } = request
  const transactions = openTransactions(kafka, { clientId: kafka.clientId, deliveryTimeout })
  try {
    const inputs = await takeAll(transactions, names, { topic, topicId, flags: sameFlags(request) })
    const path = badPath === undefined ? undefined : resolve(badPath)
    return {
      resumed: inputs.map(({ name, owned, earlier }) => ({
        name,
        id: owned.identity.transactionalId,
        earlier: earlier?.records,
      })),
      source: (signal) =>
        input.kind === 'files'
          ? resumableFileSource({ ...input, signal }, inputs)
          : resumableGenerateSource(input.records, inputs[0] as ResumableInput, signal),
      commits: (badFile) =>
        new Commits({
          inputs,
          badFile: () => (path !== undefined && badFile ? { path, bytes: badFile.bytes } : undefined),
        }),
      badFileBytes: Math.max(0, ...inputs.map(({ earlier }) => bytesOf(earlier?.badFile, path))),
      close: () => transactions.close(),
    }
  } catch (error) {
    transactions.close()
    throw error
  }
}

async function takeAll(
  transactions: Transactions,
  names: readonly InputName[],
  target: Parameters<typeof takeInput>[2],
): Promise<ResumableInput[]> {
  const inputs: ResumableInput[] = []
  for (let from = 0; from < names.length; from += atOnce) {
    const some = names.slice(from, from + atOnce).map((name) => takeInput(transactions, name, target))
    inputs.push(...(await Promise.all(some)))
  }
  return inputs
}

/** Of what is sent, what must not differ between the runs of one input. Format and delimiter come when the file is open. */
function sameFlags({ keyFields, keyFormat, input }: ProduceRequest): SameFlags {
  const key = { key: keyFields.join(','), 'key-format': keyFormat }
  return input.kind === 'files' ? key : { ...key, seed: String(input.seed), unique: input.unique.join(',') }
}

function bytesOf(badFile: { path: string; bytes: number } | undefined, path: string | undefined): number {
  return badFile && badFile.path === path ? badFile.bytes : 0
}
