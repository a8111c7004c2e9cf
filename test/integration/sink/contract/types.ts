import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ColumnType, SqlValue, TableSpec } from '../../../../src/schema/table-spec.ts'
import {
  batch,
  type Context,
  claim,
  column,
  deadLetters,
  preparePlace,
  row,
  uniqueName,
} from '../fixtures.ts'

interface Case {
  readonly type: ColumnType
  readonly values: readonly (readonly [stored: SqlValue, readBack: string | RegExp])[]
  /** Expression that reads the column `c` as text, where the column itself is not plain text. */
  readonly read?: { readonly postgres?: string; readonly mysql?: string }
  readonly only?: 'postgres' | 'mysql'
}

const micros = (iso: string, rest = 0n): bigint => BigInt(Date.parse(iso)) * 1000n + rest
const days = (iso: string): number => Date.parse(`${iso}T00:00:00Z`) / 86_400_000
const hex = { postgres: "encode(c, 'hex')", mysql: 'lower(hex(c))' }
const truth = { postgres: 'c::int' }

const cases: readonly Case[] = [
  {
    type: { kind: 'boolean' },
    values: [
      [true, '1'],
      [false, '0'],
    ],
    read: truth,
  },
  {
    type: { kind: 'int32' },
    values: [
      [2_147_483_647, '2147483647'],
      [-2_147_483_648, '-2147483648'],
      [-0, '0'],
    ],
  },
  {
    type: { kind: 'int64' },
    values: [2n ** 53n + 1n, 2n ** 53n - 1n, 2n ** 63n - 1n, -(2n ** 63n), 0n].map(
      (n) => [n, n.toString()] as const,
    ),
  },
  {
    type: { kind: 'float64' },
    values: [
      0.1,
      1e308,
      -1.797_693_134_862_315_7e308,
      5e-324,
      2.225_073_858_507_201_4e-308,
      -0,
      1 / 3,
      1e21,
      123_456_789.125,
    ].map((n) => [n, Object.is(n, -0) ? '-0' : n.toString()] as const),
  },
  {
    type: { kind: 'float64' },
    values: [
      [Number.NaN, 'NaN'],
      [-Infinity, '-Infinity'],
    ],
    only: 'postgres',
  },
  {
    type: { kind: 'float32' },
    values: [
      Math.fround(0.1),
      Math.fround(3.4028234663852886e38),
      Math.fround(1.401298464324817e-45),
      16_777_217 - 1,
      Math.fround(1 / 3),
    ].map((n) => [n, n.toString()] as const),
    read: { postgres: 'c::double precision' },
  },
  {
    type: { kind: 'decimal', precision: 38, scale: 18 },
    values: [
      ['12345678901234567890.123456789012345678', '12345678901234567890.123456789012345678'],
      ['-99999999999999999999.999999999999999999', '-99999999999999999999.999999999999999999'],
      ['0.000000000000000001', '0.000000000000000001'],
      ['5', '5.000000000000000000'],
    ],
  },
  { type: { kind: 'decimal', precision: 65, scale: 0 }, values: [['9'.repeat(65), '9'.repeat(65)]] },
  {
    type: { kind: 'string' },
    values: [
      '',
      ' ',
      'null',
      'NULL',
      'tab\tnew\nline\rreturn',
      'back\\slash \\N \\x41 \\0',
      'quote\' double" back`tick',
      '{curly,comma}',
      '😀 👩‍👩‍👧 é é',
      '\u0001\u001a\u007f\uffff',
      '-- ; DROP TABLE x',
      'x'.repeat(100_000),
    ].map((text) => [text, text] as const),
  },
  { type: { kind: 'string' }, values: [['a\0b\0', 'a\0b\0']], only: 'mysql' },
  {
    type: { kind: 'string', maxLength: 4 },
    values: [
      ['😀😀😀😀', '😀😀😀😀'],
      ['ab  ', 'ab  '],
    ],
  },
  {
    type: { kind: 'enum', symbols: ['RED', 'GREEN'] },
    values: [
      ['RED', 'RED'],
      ['GREEN', 'GREEN'],
    ],
  },
  {
    type: { kind: 'uuid' },
    values: [['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000']],
  },
  {
    type: { kind: 'bytes' },
    values: [
      [Buffer.alloc(0), ''],
      [Buffer.from('00ff5c27220a0d', 'hex'), '00ff5c27220a0d'],
      [
        Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
        Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0')).join(''),
      ],
    ],
    read: hex,
  },
  {
    type: { kind: 'date' },
    values: [
      '1970-01-01',
      '1969-12-31',
      '2000-02-29',
      '1900-03-01',
      '0001-01-01',
      '0099-12-31',
      '9999-12-31',
    ].map((date) => [days(date), date] as const),
  },
  {
    type: { kind: 'time' },
    values: [
      [0n, /^00:00:00(\.0+)?$/],
      [86_399_999_999n, '23:59:59.999999'],
      [3_723_000_001n, '01:02:03.000001'],
    ],
  },
  {
    type: { kind: 'timestamp', zoned: true, precision: 6 },
    values: [
      [0n, /^1970-01-01 00:00:00(\.0+)?(\+00)?$/],
      [-1n, /^1969-12-31 23:59:59\.999999(\+00)?$/],
      [micros('2026-03-29T01:30:00Z', 1n), /^2026-03-29 01:30:00\.000001(\+00)?$/],
      [micros('0001-01-01T00:00:00Z'), /^0001-01-01 00:00:00(\.0+)?(\+00)?$/],
      [micros('9999-12-31T23:59:59Z', 999_999n), /^9999-12-31 23:59:59\.999999(\+00)?$/],
    ],
  },
  {
    type: { kind: 'timestamp', zoned: false, precision: 3 },
    values: [[micros('2026-10-25T02:30:00.123Z'), /^2026-10-25 02:30:00\.123$/]],
  },
  {
    type: { kind: 'timestamp', zoned: true, precision: 6 },
    values: [
      [-62_135_596_800_000_001n, '0001-12-31 23:59:59.999999+00 BC'],
      [micros('+012345-06-07T08:09:10Z'), '12345-06-07 08:09:10+00'],
    ],
    only: 'postgres',
  },
  {
    type: { kind: 'date' },
    values: [
      [days('-004712-01-01'), '4713-01-01 BC'],
      [365 * 100_000, /^\d{5,6}-\d\d-\d\d$/],
    ],
    only: 'postgres',
  },
  {
    type: { kind: 'json' },
    values: [
      '{"a":[1,2.5,null,true,{"b":"q\\"uote \\\\ back"}],"😀":"é"}',
      '{"long":9007199254740993,"decimal":0.12345678901234567890}',
      '"text"',
      '[]',
    ].map((text) => [text, text] as const),
  },
]

export function types(context: () => Context): void {
  describe('types', () => {
    for (const each of cases) {
      const { type, values, read, only } = each
      it(`reads ${JSON.stringify(type)} back as it was${only ? ` (${only})` : ''}`, async () => {
        const { sink, database, kind } = context()
        const spec: TableSpec = {
          table: uniqueName(type.kind),
          columns: [column('id', { kind: 'int32' }), column('c', type, true)],
          primaryKey: ['id'],
          provenance: false,
        }
        const place = await preparePlace(sink, spec)
        const rows = [
          ...values.map(([value], i) => row(BigInt(i), [i, value])),
          row(BigInt(values.length), [values.length, null]),
        ]
        const lane = await claim(sink, place, { mode: 'upsert' })
        const receipt = await lane.commit(batch(0n, rows))
        await lane.release()
        if (only !== undefined && only !== kind) {
          assert.equal(receipt.deadLettered, values.length)
          assert.equal((await deadLetters(database, place))[0]?.[1], 'data')
          return
        }
        assert.equal(receipt.deadLettered, 0)
        const back = await database.sql(`SELECT ${read?.[kind] ?? 'c'} FROM "${spec.table}" ORDER BY id`)
        assert.equal(back.at(-1)?.[0], null)
        values.forEach(([, expected], i) => {
          const got = back[i]?.[0] ?? null
          assertReadBack(type, got, expected)
        })
      })
    }

    it('refuses mappings that lose, and names the flag', async () => {
      const { sink, kind } = context()
      const withColumn = (type: ColumnType, key = false): TableSpec => ({
        table: uniqueName('refused'),
        columns: [column('c', type)],
        primaryKey: key ? ['c'] : [],
        provenance: false,
      })
      await assert.rejects(
        sink.plan(withColumn({ kind: 'decimal', precision: 2000, scale: 10 })),
        (err: Error & { next?: string }) => err.next?.includes('a string in the schema') === true,
      )
      await assert.rejects(sink.plan(withColumn({ kind: 'float64' }, true)), /cannot be a key/)
      if (kind === 'mysql') {
        for (const type of [{ kind: 'string' }, { kind: 'bytes' }] as const) {
          await assert.rejects(
            sink.plan(withColumn(type, true)),
            (err: Error & { next?: string }) => err.next?.includes('--key-length') === true,
          )
        }
        await assert.rejects(sink.plan(withColumn({ kind: 'decimal', precision: 40, scale: 31 })), /DECIMAL/)
      }
    })
  })
}

function assertReadBack(type: ColumnType, got: string | null, expected: string | RegExp): void {
  if (expected instanceof RegExp) {
    assert.match(got ?? '', expected)
  } else if (type.kind === 'json') {
    assertSameJson(got ?? '', expected)
  } else if (type.kind === 'float32' || type.kind === 'float64') {
    assert(Object.is(Number(got), Number(expected)), `${got} is not ${expected}`)
  } else {
    assert.equal(got, expected)
  }
}

/** jsonb sorts keys and normalizes blanks; every digit has to be there. */
function assertSameJson(got: string, expected: string): void {
  const digits = (text: string) => (text.match(/[\d.]{10,}/g) ?? []).sort()
  assert.deepEqual(JSON.parse(got), JSON.parse(expected))
  assert.deepEqual(digits(got), digits(expected))
}
