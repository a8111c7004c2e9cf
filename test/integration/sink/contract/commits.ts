import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, UnexpectedError } from '../../../../src/errors.ts'
import { PoisonError } from '../../../../src/sink/errors.ts'
import { mysql } from '../../../../src/sink/mysql/dialect.ts'
import { postgres } from '../../../../src/sink/postgres/dialect.ts'
import { writeIsolating } from '../../../../src/sink/sql/isolate.ts'
import { defaultLimits } from '../../../../src/sink/sql/session.ts'
import { parseTableName } from '../../../../src/sink/sql/table-name.ts'
import {
  appendTable,
  batch,
  booksOf,
  type Context,
  claim,
  column,
  deadLetters,
  keyedTable,
  owner,
  plainRows,
  preparePlace,
  record,
  row,
  storedIds,
  storedOffset,
} from '../fixtures.ts'

export function commits(context: () => Context): void {
  describe('commit', () => {
    it('keeps rows, offset, ledger and dead letters together', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      const rejected = [{ record: record(3n), schemaId: 5, errorClass: 'decode', message: 'bad \0 byte' }]
      const receipt = await lane.commit(
        batch(0n, plainRows(0n, 3), { rejected, filtered: 2, nextOffset: 9n }),
      )
      assert.deepEqual(receipt, { written: 3, deadLettered: 1, recovered: false })
      assert.equal(lane.nextOffset, 9n)
      assert.equal(await storedOffset(database, place), '9')
      assert.deepEqual(await deadLetters(database, place), [['3', 'decode', '1']])
      await lane.commit(batch(9n, [], { nextOffset: 20n }))
      assert.deepEqual((await booksOf(sink, place)).ledger.get(0), {
        batches: 2n,
        firstOffset: 0n,
        nextOffset: 20n,
        read: 6n,
        readSince: 6n,
        firstSince: 0n,
        written: 3n,
        filtered: 2n,
        deadLettered: 1n,
        holes: 0n,
        overlaps: 0n,
      })
      assert.deepEqual((await booksOf(sink, place)).rows, {
        total: 3n,
        byPartition: new Map([[0, 3n]]),
        doubled: 0n,
      })
      await lane.release()
    })

    it('stores digests up to 2^64 - 1, and nothing in the ledger when it is off', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, plainRows(0n, 1), { digest: 2n ** 64n - 1n }))
      await lane.release()
      const digest = `SELECT digest FROM etl_ledger WHERE topic = '${place.topic}'`
      assert.deepEqual(await database.sql(digest), [['18446744073709551615']])
      const silent = await claim(sink, place, { ledger: false })
      await silent.commit(batch(1n, plainRows(1n, 1)))
      await silent.release()
      assert.equal((await database.sql(digest)).length, 1)
    })

    it('writes the same offsets again after a reset, under a new epoch', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const bad = batch(0n, [row(0n, [1n, 'far too long a name']), row(1n, [2n, 'fits'])])
      const lane = await claim(sink, place)
      await lane.commit(bad)
      await lane.release()
      await database.sql(`UPDATE kafka_offsets SET "offset" = 0 WHERE topic = '${place.topic}'`)
      await database.sql(`DELETE FROM "${place.spec.table}"`)
      const again = await claim(sink, place)
      await again.commit(bad)
      await again.release()
      assert.deepEqual(await storedIds(database, place.spec), ['2'])
      assert.deepEqual(await deadLetters(database, place), [['0', 'data', '2']])
      assert.equal((await booksOf(sink, place)).ledger.get(0)?.overlaps, 1n)
    })

    it('refuses a batch that does not follow', async () => {
      const { sink } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await assert.rejects(lane.commit(batch(1n, plainRows(1n, 1))), UnexpectedError)
      await lane.release()
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 1))), /released/)
    })
  })

  describe('record errors', () => {
    for (const bad of [[0], [50], [99], [0, 1, 50, 98, 99]]) {
      it(`isolates rows ${bad.join(', ')} of 100 that the database rejects`, async () => {
        const { sink, database } = context()
        const place = await preparePlace(sink)
        const taken = bad.map((i) => `(${i}, 'taken', 0, ${1000 + i})`)
        await database.sql(`CREATE UNIQUE INDEX ${place.spec.table}_id ON "${place.spec.table}" (id)`)
        await database.sql(`INSERT INTO "${place.spec.table}" VALUES ${taken.join(', ')}`)
        const lane = await claim(sink, place)
        const receipt = await lane.commit(batch(0n, plainRows(0n, 100)))
        assert.deepEqual(receipt, { written: 100 - bad.length, deadLettered: bad.length, recovered: false })
        assert.equal((await storedIds(database, place.spec)).length, 100)
        assert.deepEqual(
          await deadLetters(database, place),
          bad.map((i) => [String(i), 'constraint', '1']),
        )
        const sum = (await booksOf(sink, place)).ledger.get(0)
        assert.deepEqual(
          [sum?.read, sum?.written, sum?.deadLettered],
          [100n, 100n - BigInt(bad.length), BigInt(bad.length)],
        )
        await lane.release()
      })
    }

    it('finds k bad rows of n with at most 2 k log n statements', async () => {
      const { sink, database, kind } = context()
      const { spec } = await preparePlace(sink, keyedTable())
      const dialect = { postgres, mysql }[kind]
      const session = await dialect.open(database.config, defaultLimits)
      const rows = plainRows(0n, 1024)
      const bad = [0, 511, 1023]
      for (const i of bad) rows[i] = row(BigInt(i), [BigInt(i), 'far too long a name'])
      const target = { table: parseTableName(spec.table), spec, partition: 0, key: ['id'] }
      const writer = dialect.rowWriter(target)
      let statements = 0
      await session.begin()
      const rejected = await writeIsolating(session, rows, (part) => {
        statements++
        return writer.insert(session, part)
      })
      await session.commit()
      await session.close()
      assert.deepEqual(
        rejected.map(({ row: { record } }) => Number(record.offset)),
        bad,
      )
      assert(statements <= 2 * bad.length * Math.log2(rows.length) + 1, `${statements} statements`)
      assert.equal((await storedIds(database, spec)).length, rows.length - bad.length)
    })

    it('takes a row that is there already for a constraint error, never for written', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      await database.sql(`INSERT INTO "${place.spec.table}" VALUES (1, 'there', 0, 1)`)
      const lane = await claim(sink, place)
      assert.deepEqual(await lane.commit(batch(0n, plainRows(0n, 3))), {
        written: 2,
        deadLettered: 1,
        recovered: false,
      })
      assert.deepEqual(await deadLetters(database, place), [['1', 'constraint', '1']])
      await lane.release()
    })

    it('rejects values that the column would cut or round', async () => {
      const { sink, database, kind } = context()
      const spec = {
        ...appendTable(),
        columns: [
          column('id', { kind: 'int64' as const }),
          column('name', { kind: 'string' as const, maxLength: 3 }, true),
          column('amount', { kind: 'decimal' as const, precision: 6, scale: 2 }, true),
          column('at', { kind: 'timestamp' as const, zoned: true, precision: 3 as const }, true),
          column('day', { kind: 'date' as const }, true),
          column('doc', { kind: 'json' as const }, true),
          column('ratio', { kind: 'float64' as const }, true),
        ],
      }
      const place = await preparePlace(sink, spec)
      const nothing = [null, null, null, null, null, null]
      const rows = [
        row(0n, [0n, 'abc', '1234.50', 1000n, 0, '{}', 1.5]),
        row(1n, [1n, 'abcd', ...nothing.slice(1)]),
        row(2n, [2n, 'ab  ', ...nothing.slice(1)]),
        row(3n, [3n, null, '1.005', null, null, null, null]),
        row(4n, [4n, null, '12345', null, null, null, null]),
        row(5n, [5n, null, null, 1001n, null, null, null]),
        row(6n, [6n, null, null, null, 2_147_483_647, null, null]),
        row(7n, [7n, null, null, null, null, '{"a":', null]),
        row(8n, [8n, '\ud800', ...nothing.slice(1)]),
        row(9n, [null, ...nothing]),
        row(10n, [10n, ...nothing]),
        row(11n, [11n, ...nothing.slice(1), Number.NaN]),
        row(12n, [12n, 'a\0b', ...nothing.slice(1)]),
      ]
      const lane = await claim(sink, place)
      await lane.commit(batch(0n, rows))
      await lane.release()
      // PostgreSQL has NaN and no U+0000, MySQL the other way round.
      const [stored, refused] = kind === 'postgres' ? ['11', '12'] : ['12', '11']
      assert.deepEqual(await storedIds(database, spec), ['0', '10', stored])
      const letters = await deadLetters(database, place)
      assert.deepEqual(
        letters.map(([offset]) => offset),
        ['1', '2', '3', '4', '5', '6', '7', '8', '9', refused],
      )
    })

    it('stops at the first bad record, with nothing written, when told to', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place, { onError: 'stop' })
      const rows = plainRows(0n, 6)
      rows[4] = row(4n, [4n, 'far too long a name'])
      await assert.rejects(lane.commit(batch(0n, rows)), (err: PoisonError) => {
        assert(err instanceof PoisonError)
        assert.equal(err.offset, 4n)
        return true
      })
      await database.sql(`INSERT INTO "${place.spec.table}" VALUES (9, 'there', 0, 2)`)
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 6))), (err: PoisonError) => err.offset === 2n)
      assert.deepEqual(await storedIds(database, place.spec), ['9'])
      assert.equal(await storedOffset(database, place), '0')
      assert.equal(lane.nextOffset, 0n)
      await lane.commit(batch(0n, plainRows(0n, 2)))
      await lane.release()
    })

    it('stops at the lowest offset, whether it cannot be decoded or the database rejects it', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const stopsAt = async (bad: { undecodable: bigint[]; tooLong?: bigint; taken?: bigint }) => {
        const lane = await claim(sink, place, { onError: 'stop' })
        const rows = [0n, 1n, 2n, 3n, 4n, 5n, 6n]
          .filter((offset) => !bad.undecodable.includes(offset))
          .map((offset) => row(offset, [offset, offset === bad.tooLong ? 'far too long a name' : 'fits']))
        const rejected = bad.undecodable.map((offset) => ({
          record: record(offset),
          schemaId: null,
          errorClass: 'decode',
          message: 'no Avro',
        }))
        const { taken } = bad
        if (taken !== undefined) {
          await database.sql(`INSERT INTO "${place.spec.table}" VALUES (9, 'there', 0, ${taken})`)
        }
        let offset: bigint | undefined
        await assert.rejects(lane.commit(batch(0n, rows, { rejected })), (err: PoisonError) => {
          offset = err.offset
          return err instanceof PoisonError
        })
        await lane.release()
        assert.deepEqual(await storedIds(database, place.spec), taken === undefined ? [] : ['9'])
        assert.deepEqual(await deadLetters(database, place), [])
        assert.equal(await storedOffset(database, place), '0')
        return offset
      }
      assert.equal(await stopsAt({ undecodable: [5n, 3n] }), 3n)
      assert.equal(await stopsAt({ undecodable: [3n], tooLong: 1n }), 1n)
      assert.equal(await stopsAt({ undecodable: [3n], tooLong: 4n }), 3n)
      assert.equal(await stopsAt({ undecodable: [3n], tooLong: 5n, taken: 2n }), 2n)
    })

    it('blames the plan, not the records, for a table that was changed under the lane', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink)
      const lane = await claim(sink, place)
      await database.sql(`ALTER TABLE "${place.spec.table}" ADD COLUMN extra int NOT NULL`)
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 2))), ConfigError)
      await database.sql(`ALTER TABLE "${place.spec.table}" DROP COLUMN extra`)
      await database.sql(`ALTER TABLE "${place.spec.table}" DROP COLUMN name`)
      await assert.rejects(
        lane.commit(batch(0n, plainRows(0n, 2))),
        (err: ConfigError) => err.next === 'etl plan',
      )
      await database.sql(`DROP TABLE "${place.spec.table}"`)
      await assert.rejects(lane.commit(batch(0n, plainRows(0n, 2))), ConfigError)
      assert.deepEqual(await deadLetters(database, place), [])
      assert.equal(await storedOffset(database, place), '0')
      await lane.release()
    })

    it('says what is missing when the bookkeeping tables are', async () => {
      const { sink, database } = context()
      const place = await preparePlace(sink, keyedTable())
      await database.sql('ALTER TABLE kafka_offsets RENAME TO kafka_offsets_away')
      try {
        await assert.rejects(sink.claim({ topic: 't', partition: 0 }, owner(place)), ConfigError)
        assert.deepEqual(await sink.offsets(place.topic, place.group), new Map())
      } finally {
        await database.sql('ALTER TABLE kafka_offsets_away RENAME TO kafka_offsets')
      }
    })
  })
}
