import type { FiledLetter, ReplayRequest } from '../../src/sink/letters.ts'
import { openSink } from '../../src/sink/open.ts'
import type { DeadLetter, LaneTarget, Row, SinkConfig } from '../../src/sink/sink.ts'
import { servers } from './servers.ts'
import { createDatabase, type TestDatabase } from './sink/database.ts'
import { appendTable, batch, claim, type Place, preparePlace, record, row } from './sink/fixtures.ts'

export function rejection(offset: bigint): DeadLetter {
  return {
    record: {
      ...record(offset),
      headers: [
        ['trace', Buffer.from([0, 255])],
        ['none', null],
      ],
    },
    schemaId: 7,
    errorClass: 'decode',
    message: 'no such field',
  }
}

export function rowOf(offset: bigint, name = `row ${offset}`): Row {
  return row(offset, [offset, name])
}

/** Replays the letters as rows, unless told otherwise. */
export function request(
  place: Place,
  letters: readonly FiledLetter[],
  more: Partial<ReplayRequest> = {},
): ReplayRequest {
  return {
    topic: place.topic,
    partition: 0,
    group: place.group,
    target: { table: place.spec, mode: 'insert', ledger: false, onError: 'dlq' },
    replayId: `test/${Math.random()}`,
    letters,
    rows: letters.map(({ record: of }) => rowOf(of.offset)),
    rejected: [],
    superseded: new Set(),
    unclear: new Map(),
    overwrite: false,
    ...more,
  }
}

/** A database of its own with dead letters in it. */
export class Letters {
  readonly database: TestDatabase
  readonly sink: ReturnType<typeof openSink>

  private constructor(database: TestDatabase) {
    this.database = database
    this.sink = openSink(database.config)
  }

  static async open(kind: SinkConfig['kind']): Promise<Letters> {
    return new Letters(await createDatabase(servers()[kind]))
  }

  async close(): Promise<void> {
    await this.sink.close()
    await this.database.drop()
  }

  /** A place with dead letters at offsets 0 to `count`. */
  async write(count: number, target: Partial<LaneTarget> = {}, spec = appendTable()): Promise<Place> {
    const place = await preparePlace(this.sink, spec)
    const lane = await claim(this.sink, place, target)
    const rejected = Array.from({ length: count }, (_, i) => rejection(BigInt(i)))
    await lane.commit(batch(0n, [], { rejected }))
    await lane.release()
    return place
  }

  pending({ topic, group }: Place): Promise<FiledLetter[]> {
    return this.sink.letters({ topic, group, state: 'pending' }, { limit: 100 })
  }

  states({ topic }: Place): Promise<(string | null)[][]> {
    return this.database.sql(
      `SELECT "offset", attempts, outcome FROM etl_dead_letters WHERE topic = '${topic}' ORDER BY "offset"`,
    )
  }
}
