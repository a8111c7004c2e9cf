import { UnexpectedError } from '../../errors.ts'
import { tpName } from '../../kafka/types.ts'
import { PoisonError } from '../errors.ts'
import type { DeadLetter, EncodedBatch, LaneTarget, Row } from '../sink.ts'
import type { Dialect, RowTarget, RowWriter } from './dialect.ts'
import { requireTableAsPlanned, suspectsDrift } from './drift.ts'
import { badRecord } from './failure.ts'
import { foldByKey, type KeyOf, keyFunction, supersededBy } from './fold.ts'
import { type Rejection, writeIsolating } from './isolate.ts'
import type { Session } from './session.ts'
import { rowProblem } from './values.ts'

/** What became of a batch's rows. */
export interface Written {
  readonly written: number
  readonly deadLetters: readonly DeadLetter[]
}

/**
 * Turns the rows of a batch into rows of the table, inside the lane's transaction: as one set when the database takes
 * them, and around the bad ones when it does not.
 */
export class BatchWriter {
  readonly #target: RowTarget
  readonly #options: LaneTarget
  readonly #rows: RowWriter
  readonly #dialect: Dialect
  readonly #keyOf: KeyOf
  readonly #keyColumns: ReadonlySet<string>
  readonly #topic: string

  constructor(dialect: Dialect, topic: string, target: RowTarget, options: LaneTarget) {
    this.#dialect = dialect
    this.#topic = topic
    this.#target = target
    this.#options = options
    this.#rows = dialect.rowWriter(target)
    this.#keyOf = keyFunction(target.spec)
    this.#keyColumns = new Set(target.spec.primaryKey)
  }

  /**
   * Writes the batch's rows. With `isolate` false a rejected row makes the whole call fail with SqlFailure of kind
   * `record`, without a savepoint: the cheap way, tried first; and of kind `missing` when the table is not the planned one. In mode `stop` throws PoisonError for the lowest offset that
   * would become a dead letter, which is known only once the database has seen every row.
   */
  async write(session: Session, batch: EncodedBatch, isolate: boolean): Promise<Written> {
    const rejected = this.#check(batch.rows)
    const unfit = new Set(rejected.map(({ row }) => row))
    let pending = unfit.size === 0 ? batch.rows : batch.rows.filter((row) => !unfit.has(row))
    while (pending.length > 0) {
      const refused = await this.#apply(session, pending, isolate)
      rejected.push(...refused)
      if (refused.length === 0 || this.#options.mode === 'insert') break
      pending = supersededBy(new Set(refused.map(({ row }) => row)), pending, this.#keyOf)
    }
    if (rejected.some(({ failure }) => suspectsDrift(failure))) {
      await requireTableAsPlanned(session, this.#dialect, this.#target.spec)
    }
    const deadLetters = [...batch.rejected, ...rejected.map(deadLetter)]
    if (this.#options.onError === 'stop') this.#stopAt(deadLetters)
    return { written: batch.rows.length - rejected.length, deadLetters }
  }

  #check(rows: readonly Row[]): Rejection[] {
    const rejected: Rejection[] = []
    for (const row of rows) {
      if (row.op === 'delete' && this.#options.mode === 'insert') {
        throw new UnexpectedError('a deletion needs upsert mode', { where: `offset ${row.record.offset}` })
      }
      const problem = rowProblem(row, this.#target.spec, this.#keyColumns, this.#dialect.types)
      if (problem !== undefined) rejected.push({ row, failure: badRecord(problem) })
    }
    return rejected
  }

  async #apply(session: Session, rows: readonly Row[], isolate: boolean): Promise<Rejection[]> {
    const attempt = async (part: readonly Row[], write: (part: readonly Row[]) => Promise<void>) => {
      if (isolate) return writeIsolating(session, part, write)
      if (part.length > 0) await write(part)
      return []
    }
    if (this.#options.mode === 'insert') {
      return attempt(rows, (part) => this.#rows.insert(session, part))
    }
    const { writes, deletes } = foldByKey(rows, this.#keyOf)
    const refused = await attempt(deletes, (part) => this.#rows.delete(session, part))
    return refused.concat(await attempt(writes, (part) => this.#rows.upsert(session, part)))
  }

  #stopAt(letters: readonly DeadLetter[]): void {
    const [first] = letters.toSorted((a, b) => (a.record.offset < b.record.offset ? -1 : 1))
    if (first === undefined) return
    const { offset } = first.record
    throw new PoisonError(`the record at offset ${offset} cannot be stored`, offset, {
      where: `${tpName({ topic: this.#topic, partition: this.#target.partition })} offset ${offset}`,
      cause: new Error(`${first.errorClass}: ${first.message}`),
      next: 'put the schema or the table right (etl plan), or let such records become dead letters: --on-error dlq',
    })
  }
}

function deadLetter({ row, failure }: Rejection): DeadLetter {
  return {
    record: row.record,
    schemaId: schemaIdOf(row),
    errorClass: failure.errorClass ?? 'data',
    message: failure.message,
  }
}

/**
 * Confluent's wire format: magic byte 0, then the schema id.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */
function schemaIdOf({ record: { value } }: Row): number | null {
  return value !== null && value.length >= 5 && value[0] === 0 ? value.readUInt32BE(1) : null
}
