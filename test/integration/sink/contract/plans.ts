import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, UsageError } from '../../../../src/errors.ts'
import type { ColumnSpec, TableSpec } from '../../../../src/schema/table-spec.ts'
import { openSink } from '../../../../src/sink/open.ts'
import { servers } from '../../servers.ts'
import { createDatabase } from '../database.ts'
import {
  appendTable,
  batch,
  booksOf,
  type Context,
  claim,
  column,
  keyedTable,
  owner,
  plainRows,
  preparePlace,
  row,
  storedIds,
  uniqueName,
} from '../fixtures.ts'

const everyKind: readonly ColumnSpec[] = [
  column('id', { kind: 'string', maxLength: 40 }),
  column('c1', { kind: 'boolean' }),
  column('c2', { kind: 'int32' }, true),
  column('c3', { kind: 'int64' }),
  column('c4', { kind: 'float32' }, true),
  column('c5', { kind: 'float64' }),
  column('c6', { kind: 'decimal', precision: 20, scale: 4 }, true),
  column('c7', { kind: 'string' }),
  column('c8', { kind: 'string', maxLength: 300 }, true),
  column('c9', { kind: 'enum', symbols: ['A', 'B'] }),
  column('c10', { kind: 'uuid' }, true),
  column('c11', { kind: 'bytes' }),
  column('c12', { kind: 'date' }, true),
  column('c13', { kind: 'time' }),
  column('c14', { kind: 'timestamp', zoned: true, precision: 3 }, true),
  column('c15', { kind: 'timestamp', zoned: false, precision: 6 }),
  column('c16', { kind: 'json' }, true),
]

export function plans(context: () => Context): void {
  describe('plan and apply', () => {
    it('has nothing to do after apply, for every kind of column', async () => {
      const { sink } = context()
      for (const primaryKey of [[], ['id']]) {
        const spec: TableSpec = {
          table: uniqueName('every'),
          columns: everyKind,
          primaryKey,
          provenance: true,
        }
        const changes = await sink.plan(spec)
        assert(changes.some(({ kind, object }) => kind === 'create' && object.includes(spec.table)))
        assert.equal(await sink.describe(spec.table), undefined)
        await sink.apply(changes)
        assert.deepEqual(await sink.plan(spec), [])
        const table = await sink.describe(spec.table)
        assert.deepEqual(
          table?.primaryKey,
          primaryKey.length > 0 ? ['id'] : ['kafka_partition', 'kafka_offset'],
        )
        assert.equal(table?.columns.length, everyKind.length + 2)
      }
    })

    it('adds columns and widens, and keeps the rows', async () => {
      const { sink, database } = context()
      const spec = keyedTable()
      await database.sql(
        `CREATE TABLE "${spec.table}" (id integer NOT NULL PRIMARY KEY, name varchar(3) NOT NULL, ratio ${
          context().kind === 'postgres' ? 'real' : 'float'
        } NOT NULL, amount decimal(6,2), note varchar(5) DEFAULT 'x')`,
      )
      await database.sql(`INSERT INTO "${spec.table}" VALUES (1, 'abc', 1.5, 1.25, 'note')`)
      const wanted: TableSpec = {
        ...spec,
        columns: [
          ...spec.columns,
          column('ratio', { kind: 'float64' }),
          column('amount', { kind: 'decimal', precision: 12, scale: 4 }, true),
          column('fresh', { kind: 'string' }),
        ],
      }
      const consents = new Set(['change-collation'])
      await sink.apply(await sink.plan(wanted), consents)
      await sink.apply(await sink.plan(wanted), consents)
      assert.deepEqual(await sink.plan(wanted), [])
      const place = await preparePlace(sink, wanted)
      const lane = await claim(sink, place, { mode: 'upsert' })
      await lane.commit(batch(0n, [row(0n, [2n ** 40n, 'ten chars!', 0.1, '12345678.1234', 'new'])]))
      await lane.release()
      assert.deepEqual(
        await database.sql(`SELECT id, name, ratio, amount, note, fresh FROM "${spec.table}" ORDER BY id`),
        [
          ['1', 'abc', '1.5', '1.2500', 'note', null],
          ['1099511627776', 'ten chars!', '0.1', '12345678.1234', 'x', 'new'],
        ],
      )
    })

    it('refuses what would lose, naming every column', async () => {
      const { sink, database } = context()
      const spec = appendTable()
      await database.sql(
        `CREATE TABLE "${spec.table}" (id date, name integer, must integer NOT NULL, kafka_partition integer, kafka_offset bigint)`,
      )
      await assert.rejects(sink.plan(spec), (err: ConfigError & { cause: string }) => {
        assert(err instanceof ConfigError)
        assert.match(err.cause, /column id should be bigint: it is date/i)
        assert.match(err.cause, /column name should be varchar\(10\)/i)
        assert.match(err.cause, /column must wants a value/)
        return true
      })
    })

    it('asks consent before it adds a primary key, and refuses another one', async () => {
      const { sink, database } = context()
      const spec = keyedTable()
      await database.sql(`CREATE TABLE "${spec.table}" (id bigint NOT NULL, name text)`)
      const changes = (await sink.plan({ ...spec, provenance: false })).filter(
        ({ consent }) => consent === 'add-primary-key',
      )
      assert.equal(changes.length, 1)
      await assert.rejects(sink.apply(changes), (err: UsageError) => {
        assert(err instanceof UsageError)
        assert.match(err.next ?? '', /--allow add-primary-key/)
        return true
      })
      assert.deepEqual((await sink.describe(spec.table))?.primaryKey, [])
      await sink.apply(changes, new Set(['add-primary-key']))
      assert.deepEqual((await sink.describe(spec.table))?.primaryKey, ['id'])
      await assert.rejects(sink.plan({ ...spec, primaryKey: ['name'] }), /cannot become/)
    })

    it('refuses tables that do not keep rows and offsets together', async () => {
      const { sink, database, kind } = context()
      const spec = appendTable()
      const columns = '(id bigint, name varchar(10), kafka_partition integer, kafka_offset bigint)'
      const create = {
        postgres: `CREATE UNLOGGED TABLE "${spec.table}" ${columns}`,
        mysql: `CREATE TABLE "${spec.table}" ${columns} ENGINE=MyISAM`,
      }
      await database.sql(create[kind])
      await assert.rejects(sink.plan(spec), (err: ConfigError & { cause: string }) =>
        /UNLOGGED|MyISAM/.test(err.cause),
      )
      const view = appendTable()
      await database.sql(`CREATE VIEW "${view.table}" AS SELECT * FROM "${spec.table}"`)
      await assert.rejects(sink.plan(view), (err: ConfigError & { cause: string }) =>
        /not a table/.test(err.cause),
      )
    })

    it('keeps hostile identifiers identifiers', async () => {
      const { sink, database } = context()
      for (const name of [
        `a"b`,
        'back`tick',
        `it's; DROP TABLE x --`,
        'ключ é',
        'select',
        '$1 ? %s',
        'back\\slash',
      ]) {
        const hostile = `t ${name}`
        const spec: TableSpec = {
          table: `"${hostile.replaceAll('"', '""')}"`,
          columns: [column('id', { kind: 'int64' }), column(name, { kind: 'json' }, true)],
          primaryKey: ['id'],
          provenance: true,
        }
        const place = await preparePlace(sink, spec)
        assert.deepEqual(await sink.plan(spec), [])
        const names = {
          ...place,
          topic: `${place.topic}-${name.replaceAll(/[^a-z]/g, '')}`,
          group: `${place.group} ${name}`,
        }
        const lane = await sink.claim(
          { topic: names.topic, partition: 0 },
          owner(names, { name }, { mode: 'upsert' }),
        )
        await lane.commit(
          batch(0n, [row(0n, [1n, '{}']), row(1n, [1n, null], 'delete'), row(2n, [2n, '[]'])]),
        )
        await lane.release()
        const quoted = name.replaceAll('"', '""')
        assert.deepEqual(await database.sql(`SELECT "${quoted}" FROM ${spec.table}`), [['[]']])
        assert.equal((await booksOf(sink, { topic: names.topic, group: 'none', spec })).rows.total, 1n)
        assert.equal((await sink.offsets(names.topic, names.group)).get(0)?.owner, name)
      }
    })

    it('refuses names that the database cannot hold', async () => {
      const { sink, kind } = context()
      const named = (name: string): TableSpec => ({
        ...appendTable(),
        columns: [column(name, { kind: 'int32' })],
      })
      const max = kind === 'postgres' ? 63 : 64
      await sink.plan(named('x'.repeat(max)))
      await assert.rejects(sink.plan(named('x'.repeat(max + 1))), ConfigError)
      await assert.rejects(sink.plan(named('')), ConfigError)
      await assert.rejects(sink.plan(named('kafka_offset')), /have one name/)
      await assert.rejects(sink.plan({ ...appendTable(), table: 'a.b.c' }), ConfigError)
      const twins = { ...appendTable(), columns: ['Id', 'id'].map((name) => column(name, { kind: 'int32' })) }
      if (kind === 'postgres') await sink.plan(twins)
      else await assert.rejects(sink.plan(twins), /"Id" and "id" have one name/)
      if (kind === 'mysql') {
        await assert.rejects(sink.plan(named('😀')), ConfigError)
        await assert.rejects(sink.plan(named('KAFKA_offset')), /have one name/)
      }
    })

    it('writes to a table of another schema', async () => {
      const { sink, database, kind } = context()
      const schema = uniqueName('etl_other')
      await database.sql(`CREATE SCHEMA "${schema}"`)
      const spec = appendTable(`${schema}.flights`)
      const place = await preparePlace(sink, spec)
      assert.deepEqual(await sink.plan(spec), [])
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, plainRows(0n, 2)))
      await lane.release()
      assert.deepEqual(await database.sql(`SELECT count(*) FROM ${schema}.flights`), [['2']])
      await database.sql(`DROP SCHEMA "${schema}"${kind === 'postgres' ? ' CASCADE' : ''}`)
    })
  })

  describe('the table of an older program', () => {
    const oldTables = {
      'lengths of its own':
        'topic varchar(100) NOT NULL, "partition" int NOT NULL, consumer_group varchar(100) NOT NULL, "offset" bigint NOT NULL, PRIMARY KEY (topic, "partition", consumer_group)',
      'small integers, a unique index and no primary key':
        'topic varchar(255) NOT NULL, "partition" smallint NOT NULL, consumer_group varchar(255) NOT NULL, "offset" int, UNIQUE (topic, "partition", consumer_group)',
      'a surrogate key and a time of its own':
        'topic varchar(255) NOT NULL, "partition" int NOT NULL, consumer_group varchar(255) NOT NULL, "offset" bigint NOT NULL, updated_at timestamp NULL, UNIQUE (consumer_group, topic, "partition")',
    }
    for (const [what, columns] of Object.entries(oldTables)) {
      it(`is taken over: ${what}`, async () => {
        const { kind } = context()
        const database = await createDatabase(servers()[kind])
        const sink = openSink(database.config)
        try {
          await database.sql(`CREATE TABLE kafka_offsets (${columns})`)
          await database.sql(
            `INSERT INTO kafka_offsets (topic, "partition", consumer_group, "offset") VALUES ('old', 0, 'group-old', 41), ('old', 1, 'group-old', 7)`,
          )
          assert.equal((await sink.offsets('old', 'group-old')).get(0)?.offset, 41n)
          assert.equal((await sink.offsets('old', 'group-old')).get(0)?.clusterId, null)
          const spec = appendTable('rows_of_old')
          const changes = await sink.plan(spec)
          assert(changes.every(({ consent }) => consent === undefined))
          await sink.apply(changes)
          assert.deepEqual(await sink.plan(spec), [])
          const place = { topic: 'old', group: 'group-old', spec }
          const lane = await claim(sink, place)
          assert.deepEqual([lane.nextOffset, lane.epoch], [41n, 1n])
          await lane.commit(batch(41n, plainRows(41n, 2)))
          await lane.release()
          const stored = await sink.offsets('old', 'group-old')
          assert.deepEqual(
            [stored.get(0)?.offset, stored.get(0)?.clusterId, stored.get(0)?.topicId],
            [43n, 'cluster-1', 'topic-1'],
          )
          assert.deepEqual([stored.get(1)?.offset, stored.get(1)?.clusterId], [7n, null])
          assert.deepEqual(await storedIds(database, spec), ['41', '42'])
          // The older program goes on writing its own rows.
          await database.sql(
            `INSERT INTO kafka_offsets (topic, "partition", consumer_group, "offset") VALUES ('other', 0, 'group-other', 1)`,
          )
          assert.equal((await sink.offsets('other', 'group-other')).get(0)?.epoch, 0n)
        } finally {
          await sink.close()
          await database.killOthers()
          await database.drop()
        }
      })
    }
  })
}
