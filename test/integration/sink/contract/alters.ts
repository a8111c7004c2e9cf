import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ConfigError } from '../../../../src/errors.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { LaneTarget, Sink } from '../../../../src/sink/sink.ts'
import {
  appendTable,
  batch,
  type Context,
  claim,
  column,
  deadLetters,
  keyedTable,
  preparePlace,
  row,
  storedOffset,
  uniqueName,
} from '../fixtures.ts'
import { WireTap } from '../wire-tap.ts'

type Mode = LaneTarget['mode']
const modes: readonly Mode[] = ['insert', 'upsert']

interface Alter {
  readonly postgres: readonly string[]
  readonly mysql: readonly string[]
  readonly undo: { readonly postgres: readonly string[]; readonly mysql: readonly string[] }
  readonly modes: readonly Mode[]
  /** What the server answers with. */
  readonly codes: { readonly postgres: string; readonly mysql: string }
}

const both = (alter: string[], undo: string[], codes: Alter['codes']): Alter => ({
  postgres: alter,
  mysql: alter,
  undo: { postgres: undo, mysql: undo },
  modes,
  codes,
})

/** Types that round what is more exact without an error; column `amount` was planned as decimal(20,4), `at` as a timestamp of microseconds. */
const roundings: Readonly<Record<string, Readonly<Record<Context['kind'], string>>>> = {
  'decimals with fewer digits': { postgres: 'amount TYPE numeric(20,1)', mysql: 'amount decimal(20,1)' },
  'decimals in a double': { postgres: 'amount TYPE double precision', mysql: 'amount double' },
  'times without fractions': { postgres: 'at TYPE timestamptz(0)', mysql: 'at datetime(0)' },
  'times in a date': { postgres: 'at TYPE date', mysql: 'at date' },
}

/** $T stands for the table. Each leaves rows behind that the planned table holds, and this one does not. */
const changes: Readonly<Record<string, Alter>> = {
  'a column dropped': both(
    ['ALTER TABLE $T DROP COLUMN name'],
    ['ALTER TABLE $T ADD COLUMN name varchar(10)'],
    { postgres: '42703', mysql: '1054' },
  ),
  'a NOT NULL column added': both(
    ['ALTER TABLE $T ADD COLUMN extra int NOT NULL'],
    ['ALTER TABLE $T DROP COLUMN extra'],
    { postgres: '23502', mysql: '1364' },
  ),
  'a column made NOT NULL': {
    postgres: ['ALTER TABLE $T ALTER name SET NOT NULL'],
    mysql: ['ALTER TABLE $T MODIFY name varchar(10) NOT NULL'],
    undo: {
      postgres: ['ALTER TABLE $T ALTER name DROP NOT NULL'],
      mysql: ['ALTER TABLE $T MODIFY name varchar(10)'],
    },
    modes,
    codes: { postgres: '23502', mysql: '1048' },
  },
  'a column made shorter': {
    postgres: ['ALTER TABLE $T ALTER name TYPE varchar(3)'],
    mysql: ['ALTER TABLE $T MODIFY name varchar(3)'],
    undo: {
      postgres: ['ALTER TABLE $T ALTER name TYPE varchar(10)'],
      mysql: ['ALTER TABLE $T MODIFY name varchar(10)'],
    },
    modes,
    codes: { postgres: '22001', mysql: '1406' },
  },
  'a column of another type': {
    postgres: ['ALTER TABLE $T DROP COLUMN name', 'ALTER TABLE $T ADD COLUMN name int'],
    mysql: ['ALTER TABLE $T MODIFY name int'],
    undo: {
      postgres: ['ALTER TABLE $T ALTER name TYPE varchar(10)'],
      mysql: ['ALTER TABLE $T MODIFY name varchar(10)'],
    },
    modes,
    codes: { postgres: '42804', mysql: '1366' },
  },
  'a column become a generated one': {
    postgres: [
      'ALTER TABLE $T DROP COLUMN name',
      "ALTER TABLE $T ADD COLUMN name varchar(10) GENERATED ALWAYS AS ('x') STORED",
    ],
    mysql: [
      'ALTER TABLE $T DROP COLUMN name',
      "ALTER TABLE $T ADD COLUMN name varchar(10) GENERATED ALWAYS AS ('x') STORED",
    ],
    undo: {
      postgres: ['ALTER TABLE $T DROP COLUMN name', 'ALTER TABLE $T ADD COLUMN name varchar(10)'],
      mysql: ['ALTER TABLE $T DROP COLUMN name', 'ALTER TABLE $T ADD COLUMN name varchar(10)'],
    },
    modes,
    codes: { postgres: '428C9', mysql: '1906' },
  },
  'the key of a smaller type': {
    postgres: ['ALTER TABLE $T ALTER id TYPE smallint'],
    mysql: ['ALTER TABLE $T MODIFY id smallint NOT NULL'],
    undo: {
      postgres: ['ALTER TABLE $T ALTER id TYPE bigint'],
      mysql: ['ALTER TABLE $T MODIFY id bigint NOT NULL'],
    },
    modes,
    codes: { postgres: '22003', mysql: '1264' },
  },
  'the unique index of the key dropped': {
    postgres: ['ALTER TABLE $T DROP CONSTRAINT "$N_pkey"'],
    mysql: ['ALTER TABLE $T RENAME COLUMN id TO other'],
    undo: {
      postgres: ['ALTER TABLE $T ADD PRIMARY KEY (id)'],
      mysql: ['ALTER TABLE $T RENAME COLUMN other TO id'],
    },
    modes: ['upsert'],
    codes: { postgres: '42P10', mysql: '1054' },
  },
  'the table renamed': both(['ALTER TABLE $T RENAME TO "away"'], ['ALTER TABLE "away" RENAME TO $T'], {
    postgres: '42P01',
    mysql: '1146',
  }),
  'the table replaced by a view': both(
    ['ALTER TABLE $T RENAME TO "away"', 'CREATE VIEW $T AS SELECT DISTINCT * FROM "away"'],
    ['DROP VIEW $T', 'ALTER TABLE "away" RENAME TO $T'],
    { postgres: '55000', mysql: '1471' },
  ),
}

export function alters(context: () => Context): void {
  describe('a table altered under the lane', () => {
    let tap: WireTap
    let sink: Sink

    before(async () => {
      const tapped = await WireTap.open(context().database.config)
      tap = tapped.tap
      sink = openSink(tapped.config)
    })
    after(async () => {
      await sink.close()
      await tap.close()
    })

    for (const [what, alter] of Object.entries(changes)) {
      for (const mode of alter.modes) {
        it(`is the plan’s business, and rejects no record: ${what} (${mode})`, async () => {
          const { database, kind } = context()
          const place = await preparePlace(sink, keyedTable())
          const run = async (statements: readonly string[]) => {
            for (const text of statements) {
              const { table } = place.spec
              await database.sql(text.replace('$T', `"${table}"`).replace('$N', table))
            }
          }
          const lane = await claim(sink, place, { mode })
          const rows = [row(0n, [40_000n, 'first']), row(1n, [2n, null]), row(2n, [3n, 'third'])]
          await run(alter[kind])
          tap.reset()
          await assert.rejects(lane.commit(batch(0n, rows)), (err: ConfigError) => {
            assert(err instanceof ConfigError, err)
            assert.equal(err.next, 'etl plan')
            return true
          })
          assert.deepEqual([...new Set(tap.errors)], [alter.codes[kind]])
          assert.deepEqual(await deadLetters(database, place), [])
          assert.equal(await storedOffset(database, place), '0')
          await run(alter.undo[kind])
          assert.deepEqual(await lane.commit(batch(0n, rows)), {
            written: 3,
            deadLettered: 0,
            recovered: false,
          })
          await lane.release()
        })
      }
    }

    for (const [what, change] of Object.entries(roundings)) {
      it(`is refused at the claim where the server would round without a word: ${what}`, async () => {
        const { database, kind } = context()
        const table = uniqueName('rounding')
        const place = await preparePlace(sink, {
          ...appendTable(table),
          columns: [
            column('amount', { kind: 'decimal', precision: 20, scale: 4 }),
            column('at', { kind: 'timestamp', zoned: true, precision: 6 }),
          ],
        })
        await database.sql(
          `ALTER TABLE "${table}" ${kind === 'postgres' ? 'ALTER' : 'MODIFY'} ${change[kind]}`,
        )
        await assert.rejects(claim(sink, place), (err: ConfigError) => {
          assert(err instanceof ConfigError, err)
          assert.equal(err.next, 'etl plan')
          return true
        })
        assert.equal(await storedOffset(database, place), undefined)
      })
    }
  })
}
