import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { SqlValue, TableSpec } from '../../../../src/schema/table-spec.ts'
import { openSink } from '../../../../src/sink/open.ts'
import type { LaneTarget, Sink } from '../../../../src/sink/sink.ts'
import { batch, type Context, claim, column, deadLetters, preparePlace, row, storedIds } from '../fixtures.ts'
import { WireTap } from '../wire-tap.ts'

/** A row that only the database can refuse, and what it answers with. */
interface Refusal {
  /** $T stands for the table. */
  readonly before: readonly string[]
  /** id and name; the good row beside it is [1, 'good']. */
  readonly bad: readonly [bigint, SqlValue]
  readonly code: string
  readonly errorClass: 'data' | 'constraint'
  readonly mode?: LaneTarget['mode']
}

const parent = 'CREATE TABLE parent_of (id bigint PRIMARY KEY)'
const check = { before: ["ALTER TABLE $T ADD CHECK (name <> 'bad')"], bad: [2n, 'bad'] } as const
const unique = { before: ['CREATE UNIQUE INDEX by_name_$N ON $T (name)'], bad: [2n, 'good'] } as const
const foreign = {
  before: [
    'DROP TABLE IF EXISTS parent_of',
    parent,
    'INSERT INTO parent_of VALUES (1)',
    'ALTER TABLE $T ADD CONSTRAINT of_$N FOREIGN KEY (id) REFERENCES parent_of (id)',
  ],
  bad: [2n, 'orphan'],
} as const
const division = {
  before: ['ALTER TABLE $T ADD COLUMN g bigint GENERATED ALWAYS AS (10 / (id - 2)) STORED'],
  bad: [2n, 'zero'],
} as const

const trigger = (body: string) => [
  `CREATE FUNCTION no_$N() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`,
  'CREATE TRIGGER no_$N BEFORE INSERT ON $T FOR EACH ROW EXECUTE FUNCTION no_$N()',
]

const byKind: Readonly<Record<Context['kind'], Readonly<Record<string, Refusal>>>> = {
  postgres: {
    'a value out of range': {
      before: ['ALTER TABLE $T ADD COLUMN g int GENERATED ALWAYS AS (id * 1000000000) STORED'],
      bad: [3n, 'x'],
      code: '22003',
      errorClass: 'data',
    },
    'a value too long': {
      before: ['ALTER TABLE $T ADD COLUMN g varchar(4) GENERATED ALWAYS AS (name) STORED'],
      bad: [2n, 'five!'],
      code: '22001',
      errorClass: 'data',
    },
    'a division by zero': { ...division, code: '22012', errorClass: 'data' },
    'a value too long for its index': {
      before: [
        'ALTER TABLE $T ADD COLUMN g text GENERATED ALWAYS AS (CASE WHEN id = 2 THEN repeat(name, 1000000) END) STORED',
        'ALTER TABLE $T ALTER g SET STORAGE PLAIN',
        'CREATE INDEX by_g_$N ON $T (g)',
      ],
      bad: [2n, 'long'],
      code: '54000',
      errorClass: 'data',
    },
    'a check': { ...check, code: '23514', errorClass: 'constraint' },
    'a second row of a unique value': { ...unique, code: '23505', errorClass: 'constraint' },
    'a missing parent': { ...foreign, code: '23503', errorClass: 'constraint' },
    'an exclusion': {
      before: ['ALTER TABLE $T ADD EXCLUDE USING btree (name WITH =)'],
      bad: [2n, 'good'],
      code: '23P01',
      errorClass: 'constraint',
    },
    'a trigger that raises': {
      before: trigger("IF NEW.id = 2 THEN RAISE EXCEPTION 'not this one'; END IF;"),
      bad: [2n, 'x'],
      code: 'P0001',
      errorClass: 'constraint',
    },
    'a trigger that asserts': {
      before: trigger('ASSERT NEW.id <> 2;'),
      bad: [2n, 'x'],
      code: 'P0004',
      errorClass: 'constraint',
    },
  },
  mysql: {
    'a value out of range': {
      before: ['ALTER TABLE $T ADD COLUMN g tinyint GENERATED ALWAYS AS (id * 100) STORED'],
      bad: [3n, 'x'],
      code: '1264',
      errorClass: 'data',
    },
    'an expression out of range': {
      before: ['ALTER TABLE $T ADD COLUMN g bigint GENERATED ALWAYS AS (id * 5000000000000000000) STORED'],
      bad: [4n, 'x'],
      code: '1690',
      errorClass: 'data',
    },
    'a value too long': {
      before: ['ALTER TABLE $T ADD COLUMN g varchar(4) GENERATED ALWAYS AS (name) STORED'],
      bad: [2n, 'five!'],
      code: '1406',
      errorClass: 'data',
    },
    'text that is no number': {
      before: ['ALTER TABLE $T ADD COLUMN g int GENERATED ALWAYS AS (IF(id = 2, name, 0)) STORED'],
      bad: [2n, 'x'],
      code: '1366',
      errorClass: 'data',
    },
    'a division by zero': { ...division, code: '1365', errorClass: 'data' },
    'a check': { ...check, code: '4025', errorClass: 'constraint' },
    'a second row of a unique value': { ...unique, code: '1062', errorClass: 'constraint' },
    'a unique value of another key': { ...unique, code: '1365', errorClass: 'constraint', mode: 'upsert' },
    'a missing parent': { ...foreign, code: '1452', errorClass: 'constraint' },
    'no partition': {
      before: ['ALTER TABLE $T PARTITION BY LIST (id) (PARTITION p VALUES IN (1))'],
      bad: [2n, 'x'],
      code: '1526',
      errorClass: 'constraint',
    },
    'a trigger that signals': {
      before: [
        `CREATE TRIGGER no_$N BEFORE INSERT ON $T FOR EACH ROW BEGIN
           IF NEW.id = 2 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF; END`,
      ],
      bad: [2n, 'x'],
      code: '1644',
      errorClass: 'constraint',
    },
  },
}

export function refusals(context: () => Context, kind: Context['kind']): void {
  describe('a record that the database refuses', () => {
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

    for (const [why, { before: prepare, bad, code, errorClass, mode = 'insert' }] of Object.entries(
      byKind[kind],
    )) {
      it(`becomes a dead letter, alone: ${why}`, async () => {
        const { database } = context()
        const spec: TableSpec = {
          table: `refusal_${code.toLowerCase()}_${mode}`,
          columns: [column('id', { kind: 'int64' }), column('name', { kind: 'string', maxLength: 10 })],
          primaryKey: ['id'],
          provenance: false,
        }
        const place = await preparePlace(sink, spec)
        for (const text of prepare) {
          const statement = text.replaceAll('$T', `"${spec.table}"`).replaceAll('$N', spec.table)
          await database.sql(statement)
        }
        const lane = await claim(sink, place, { mode })
        tap.reset()
        await lane.commit(batch(0n, [row(0n, [1n, 'good']), row(1n, bad)]))
        assert(tap.errors.length > 0)
        assert.deepEqual(new Set(tap.errors), new Set([code]))
        assert.deepEqual(await storedIds(database, spec), ['1'])
        assert.deepEqual(await deadLetters(database, place), [['1', errorClass, '1']])
        await lane.release()
      })
    }
  })
}
