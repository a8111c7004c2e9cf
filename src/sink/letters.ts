import type { KafkaRecord, TopicPartition } from '../kafka/types.ts'
import type { DeadLetter, LaneTarget, Row } from './sink.ts'

/** Which letters of a topic and group are meant; an absent filter lets all through. */
export interface LetterQuery {
  readonly topic: string
  readonly group: string
  readonly state: 'pending' | 'replayed' | 'all'
  readonly partitions?: readonly number[] | undefined
  readonly offset?: bigint | undefined
  readonly errorClasses?: readonly string[] | undefined
  /** Stored at this moment or later. */
  readonly since?: Date | undefined
  /** Letters that were tried less often. */
  readonly attemptsBelow?: number | undefined
}

/** Where a page of letters begins; they are in the order of partition and offset. */
export interface LetterPage {
  readonly after?: { readonly partition: number; readonly offset: bigint } | undefined
  readonly limit: number
}

/** A dead letter as it lies in the table. */
export interface FiledLetter {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly record: KafkaRecord
  readonly schemaId: number | null
  /** `decode`, `schema`, `data`, `constraint`. */
  readonly errorClass: string
  readonly message: string
  readonly attempts: number
  readonly createdAt: Date
  /** null: pending. */
  readonly replayedAt: Date | null
  readonly outcome: ReplayedAs | null
}

/** stored: it is in the table · superseded: a newer record of its key is. */
export type ReplayedAs = 'stored' | 'superseded'

export interface LetterCount {
  readonly partition: number
  readonly errorClass: string
  readonly state: 'pending' | 'replayed'
  readonly attempts: number
  readonly letters: bigint
}

/** Letters of one partition with what a new attempt made of their records. */
export interface ReplayRequest extends TopicPartition {
  readonly group: string
  readonly target: LaneTarget
  /** Names the run; told in the table, and how a lost COMMIT is settled: no two runs may have the same. */
  readonly replayId: string
  /** As they were read; one that has changed since is left alone. */
  readonly letters: readonly FiledLetter[]
  /** Of those letters, in the order of their offsets. */
  readonly rows: readonly Row[]
  readonly rejected: readonly DeadLetter[]
  /** Letters whose key is known to have been deleted since. */
  readonly superseded: ReadonlySet<bigint>
  /** Letters of which that is not known, and why: they are only written over an older row of their key. */
  readonly unclear: ReadonlyMap<bigint, string>
  /** Upsert mode: write over newer rows of the same key too. */
  readonly overwrite: boolean
}

/** What became of the letters, by offset. */
export interface ReplayReceipt {
  readonly stored: readonly bigint[]
  readonly superseded: readonly bigint[]
  /** Refused again, with the new reason; they have one attempt more. */
  readonly failed: readonly DeadLetter[]
  /** Another run was faster, or the record was read again: left as they are. */
  readonly changed: readonly bigint[]
}

/**
 * Dead letters of a sink.
 *
 * `replay` is one transaction: the letters are locked and compared with what the caller saw, their rows are written, and they are
 * marked; so a record is stored once, whatever other runs do and wherever one is killed. Throws UnreachableError; when COMMIT's answer was
 * lost and the database stayed away, its message says so, and the next run finds out by itself.
 */
export interface LetterBox {
  letters(query: LetterQuery, page: LetterPage): Promise<FiledLetter[]>
  countLetters(query: LetterQuery): Promise<LetterCount[]>
  replay(request: ReplayRequest): Promise<ReplayReceipt>
}
