import { UnexpectedError, UnreachableError } from '../../errors.ts'
import { tpName } from '../../kafka/types.ts'
import type { ReplayReceipt, ReplayRequest } from '../letters.ts'
import type { DeadLetter, EncodedBatch, Row } from '../sink.ts'
import type { BatchWriter } from './batch-writer.ts'
import { storable } from './dead-letters.ts'
import type { RowWriter, StoredPlace } from './dialect.ts'
import { explain, SqlFailure } from './failure.ts'
import { type KeyOf, keyFunction } from './fold.ts'
import { retryDelay, sleep } from './retry.ts'
import type { Session } from './session.ts'
import { join, type Sql, sql } from './statement.ts'

const attempts = 5

export interface ReplayParts {
  readonly open: () => Promise<Session>
  /** Throws SqlFailure when the table cannot take the rows as they are. */
  readonly check: (session: Session) => Promise<void>
  /** Writes with `onError: 'dlq'`. */
  readonly writer: BatchWriter
  readonly rows: RowWriter
  /** `host:port/database` */
  readonly server: string
}

/** The contract is on `LetterBox`. What met a deadlock, a lock timeout or a lost connection is tried again. */
export async function replayLetters(parts: ReplayParts, request: ReplayRequest): Promise<ReplayReceipt> {
  const where = `${tpName(request)} in ${parts.server}`
  for (let attempt = 1; ; attempt++) {
    let session: Session | undefined
    try {
      session = await parts.open()
      await parts.check(session)
      const transaction = new ReplayTransaction(session, parts, request)
      const receipt = await transaction.run()
      if (await committed(transaction, parts, request)) return receipt
    } catch (err) {
      if (
        !(err instanceof SqlFailure) ||
        !['conflict', 'disconnected'].includes(err.kind) ||
        attempt >= attempts
      )
        throw explain(err, 'the dead letters were not replayed', where)
    } finally {
      // A transaction that was not committed ends with its session.
      await session?.close()
    }
    await sleep(retryDelay(attempt))
  }
}

/** Whether the transaction was committed; asks the database when COMMIT's answer was lost. */
async function committed(
  transaction: ReplayTransaction,
  parts: ReplayParts,
  request: ReplayRequest,
): Promise<boolean> {
  try {
    await transaction.commit()
    return true
  } catch (err) {
    if (!(err instanceof SqlFailure)) throw err
    if (transaction.touched.length === 0) return true
    for (let attempt = 1; ; attempt++) {
      let session: Session | undefined
      try {
        session = await parts.open()
        return await wasMarked(session, request, transaction.touched)
      } catch (lost) {
        if (attempt >= attempts) throw unknownOutcome(request, parts.server, lost)
        await sleep(retryDelay(attempt + 2))
      } finally {
        await session?.close()
      }
    }
  }
}

function unknownOutcome(request: ReplayRequest, server: string, cause: unknown): UnreachableError {
  return new UnreachableError(
    `it is not known whether ${request.letters.length} letters were replayed: the database does not answer`,
    {
      where: `${tpName(request)} in ${server}`,
      cause,
      next: 'the same command again when it is back: rows and marks are one transaction, so nothing is stored twice',
    },
  )
}

/** By the run's id in a letter that the transaction touched; waits for a COMMIT that is still under way. */
async function wasMarked(
  session: Session,
  request: ReplayRequest,
  touched: readonly bigint[],
): Promise<boolean> {
  await session.begin()
  const { rows } = await session.query(sql`
    SELECT replay_id FROM etl_dead_letters WHERE ${letterKeys(request, touched)} FOR UPDATE`)
  await session.rollback()
  return rows.some((row) => row.replay_id === request.replayId)
}

class ReplayTransaction {
  readonly #session: Session
  readonly #parts: ReplayParts
  readonly #request: ReplayRequest
  readonly #stored: bigint[] = []
  readonly #superseded: bigint[] = []
  readonly #failed: DeadLetter[] = []

  constructor(session: Session, parts: ReplayParts, request: ReplayRequest) {
    this.#session = session
    this.#parts = parts
    this.#request = request
  }

  /** Letters that it has marked. */
  get touched(): bigint[] {
    return [...this.#stored, ...this.#superseded, ...this.#failed.map(({ record }) => record.offset)]
  }

  /** All but the COMMIT. */
  async run(): Promise<ReplayReceipt> {
    const { letters, rows, rejected, superseded } = this.#request
    await this.#session.begin()
    const held = await this.#lock()
    const isHeld = (offset: bigint): boolean => held.has(offset)
    this.#failed.push(...rejected.filter(({ record }) => isHeld(record.offset)))
    this.#superseded.push(...[...superseded].filter(isHeld))
    await this.#write(rows.filter(({ record }) => isHeld(record.offset) && !superseded.has(record.offset)))
    await this.#mark('stored', this.#stored)
    await this.#mark('superseded', this.#superseded)
    for (const letter of this.#failed) await this.#failAgain(letter)
    return {
      stored: this.#stored,
      superseded: this.#superseded,
      failed: this.#failed,
      changed: letters.map(({ record }) => record.offset).filter((offset) => !isHeld(offset)),
    }
  }

  async commit(): Promise<void> {
    await this.#session.commit()
  }

  /** Offsets of the letters that are still as the caller saw them; nobody else can change them now. */
  async #lock(): Promise<ReadonlySet<bigint>> {
    const { letters } = this.#request
    const seen = new Map(letters.map(({ record, attempts: tries }) => [record.offset, tries]))
    const { rows } = await this.#session.query(sql`
      SELECT "offset" AS place, attempts FROM etl_dead_letters
      WHERE ${letterKeys(this.#request, [...seen.keys()])} AND replayed_at IS NULL
      ORDER BY "offset" FOR UPDATE`)
    return new Set(
      rows.flatMap(({ place, attempts: tries }) => {
        const offset = BigInt(place ?? 0)
        return Number(tries) === seen.get(offset) ? [offset] : []
      }),
    )
  }

  /** A key that several letters have is written in as many rounds, the oldest record first. */
  async #write(rows: readonly Row[]): Promise<void> {
    const { target, overwrite } = this.#request
    if (target.mode === 'insert') return this.#writeOnce(rows)
    const keyOf = keyFunction(target.table)
    for (let left = rows; left.length > 0; ) {
      const { first, later } = firstOfEachKey(left, keyOf)
      await this.#writeOnce(overwrite ? first : await this.#newer(first))
      left = later
    }
  }

  async #writeOnce(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    const { deadLetters } = await this.#parts.writer.write(this.#session, batchOf(rows), true)
    const refused = new Set(deadLetters.map(({ record }) => record.offset))
    this.#failed.push(...deadLetters)
    this.#stored.push(...rows.map(({ record }) => record.offset).filter((offset) => !refused.has(offset)))
  }

  /** Rows that are newer than what the table has under their keys; the others get their verdict. */
  async #newer(rows: readonly Row[]): Promise<Row[]> {
    const newer: Row[] = []
    for (const row of rows) {
      const found = await this.#parts.rows.find(this.#session, row)
      const order = compare(row, this.#request.partition, found)
      const unclear = found === undefined ? this.#request.unclear.get(row.record.offset) : undefined
      if (unclear !== undefined) this.#failed.push(this.#conflict(row, unclear))
      else if (order === 'newer') newer.push(row)
      else if (order === 'older') this.#superseded.push(row.record.offset)
      else this.#failed.push(this.#conflict(row, incomparable(found)))
    }
    return newer
  }

  #conflict({ record }: Row, message: string): DeadLetter {
    const letter = this.#request.letters.find((each) => each.record.offset === record.offset)
    return { record, schemaId: letter?.schemaId ?? null, errorClass: 'conflict', message }
  }

  async #mark(outcome: string, offsets: readonly bigint[]): Promise<void> {
    if (offsets.length === 0) return
    const { affected } = await this.#session.query(sql`
      UPDATE etl_dead_letters
      SET replayed_at = CURRENT_TIMESTAMP(6), replay_id = ${this.#request.replayId}, outcome = ${outcome}
      WHERE ${letterKeys(this.#request, offsets)} AND replayed_at IS NULL`)
    if (affected === offsets.length) return
    throw new UnexpectedError(`${affected} of ${offsets.length} letters were marked`, {
      where: tpName(this.#request),
    })
  }

  async #failAgain({ record, errorClass, message }: DeadLetter): Promise<void> {
    await this.#session.query(sql`
      UPDATE etl_dead_letters
      SET attempts = attempts + 1, error_class = ${errorClass.slice(0, 64)}, error_message = ${storable(message)},
          replay_id = ${this.#request.replayId}
      WHERE ${letterKeys(this.#request, [record.offset])}`)
  }
}

/** One key normally stays in one partition, where offsets are the order of time. */
function compare(row: Row, partition: number, found: StoredPlace | undefined): 'newer' | 'older' | 'unknown' {
  if (found === undefined) return 'newer'
  if (found.partition !== partition || found.offset === null) return 'unknown'
  return found.offset > row.record.offset ? 'older' : 'newer'
}

function incomparable(found: StoredPlace | undefined): string {
  const from = found?.partition == null ? 'a writer that left no offset' : `partition ${found.partition}`
  return `the row with this key is of ${from}: which one is newer cannot be told; --overwrite takes the letter's`
}

function firstOfEachKey(rows: readonly Row[], keyOf: KeyOf): { first: Row[]; later: Row[] } {
  const seen = new Set<string>()
  const first: Row[] = []
  const later: Row[] = []
  for (const row of rows) {
    const key = keyOf(row)
    if (seen.has(key)) later.push(row)
    else first.push(row)
    seen.add(key)
  }
  return { first, later }
}

/** Only the rows count for the writer: offsets and ledger are not touched. */
function batchOf(rows: readonly Row[]): EncodedBatch {
  return { firstOffset: 0n, nextOffset: 0n, read: rows.length, filtered: 0, rows, rejected: [], digest: 0n }
}

function letterKeys({ topic, partition, group }: ReplayRequest, offsets: readonly bigint[]): Sql {
  return sql`topic = ${topic} AND "partition" = ${partition} AND consumer_group = ${group} AND "offset" IN (${join(
    offsets.map((offset) => sql`${offset}`),
    ', ',
  )})`
}
