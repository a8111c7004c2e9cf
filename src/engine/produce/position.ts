import { ConfigError } from '../../errors.ts'
import type { StoredPlace } from '../../kafka/transactions.ts'
import type { TextMark } from './sent-text.ts'

/** How far an input came: what is committed with its records, and where the next run goes on. */
export interface Position {
  /** Records from the input's beginning that are done with: sent, or bad. */
  readonly records: number
  /** How many of them were bad. */
  readonly bad: number
  /** Marks of the text up to the end of the last of them; empty for generated records. */
  readonly text: readonly TextMark[]
  /** The bad-record file, and how long it was when the last of them was done with. */
  readonly badFile: { readonly path: string; readonly bytes: number } | undefined
}

export const beginning: Position = { records: 0, bad: 0, text: [], badFile: undefined }

/** Flags that must be the same in each run of an input, by name, with their values as text. */
export type SameFlags = Readonly<Record<string, string>>

export interface PositionRecord {
  readonly position: Position
  readonly flags: SameFlags
  /** Kafka's id of the topic (KIP-516): a topic that was created again holds nothing of what was sent. */
  readonly topicId: string
}

/** The JSON that stands beside the offset; `v` changes when older programs could misread it. */
interface StoredJson {
  readonly v: 1
  readonly topicId: string
  readonly flags: SameFlags
  readonly bad: number
  readonly text: readonly (readonly [at: number, digest: string])[]
  readonly badFile?: readonly [path: string, bytes: number]
}

/** The offset is the number of records, so that a look at the group with any tool says something. */
export function toStoredPlace({ position, flags, topicId }: PositionRecord): StoredPlace {
  const { records, bad, text, badFile } = position
  const json: StoredJson = {
    v: 1,
    topicId,
    flags,
    bad,
    text: text.map(({ at, digest }) => [at, digest]),
    ...(badFile ? { badFile: [badFile.path, badFile.bytes] } : {}),
  }
  return { offset: BigInt(records), metadata: JSON.stringify(json) }
}

/** Throws ConfigError for what this program did not store. `id`: where it stood. */
export function fromStoredPlace({ offset, metadata }: StoredPlace, id: string): PositionRecord {
  const json = parsed(metadata)
  if (json?.v !== 1) {
    throw new ConfigError('the stored position is not one that this version of etl can read', {
      where: `consumer group ${id}`,
      next: 'the version that stored it; or --resume-id NAME, which starts at the beginning of the input',
    })
  }
  const { topicId, flags, bad, text, badFile } = json
  return {
    topicId,
    flags,
    position: {
      records: Number(offset),
      bad,
      text: text.map(([at, digest]) => ({ at, digest })),
      badFile: badFile && { path: badFile[0], bytes: badFile[1] },
    },
  }
}

/** Throws ConfigError when a run would read or write the input otherwise than the runs before. */
export function checkFlags(before: SameFlags, now: SameFlags, input: string): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [was, is] = [before[name], now[name]]
    if (was === is) continue
    throw new ConfigError(
      `this run has ${said(name, is)}, and what is sent of the input was sent with ${said(name, was)}`,
      {
        where: input,
        next: 'the same flags as before; or --resume-id NAME, which starts at the beginning of the input',
      },
    )
  }
}

function said(name: string, value: string | undefined): string {
  return value === undefined || value === '' ? `no --${name}` : `--${name} ${JSON.stringify(value)}`
}

function parsed(metadata: string): StoredJson | undefined {
  try {
    return JSON.parse(metadata) as StoredJson
  } catch {
    return undefined // not ours
  }
}
