import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ColumnType, SqlValue, TableSpec } from '../../../src/schema/table-spec.ts'
import type { Row } from '../../../src/sink/sink.ts'
import { foldByKey, keyFunction, supersededBy } from '../../../src/sink/sql/fold.ts'

function table(types: readonly ColumnType[]): TableSpec {
  const columns = types.map((type, i) => ({
    name: `k${i}`,
    type,
    nullable: false,
    source: { from: 'value' as const, path: [`k${i}`] },
  }))
  return { table: 't', columns, primaryKey: columns.map(({ name }) => name), provenance: false }
}

function row(offset: number, values: readonly SqlValue[], op: Row['op'] = 'write'): Row {
  return {
    op,
    record: { offset: BigInt(offset), timestamp: 0n, key: null, value: null, headers: [] },
    values,
  }
}

const ints = table([{ kind: 'int32' }])
const operations = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('write' as const, 'delete' as const)),
)

describe('fold', () => {
  it('leaves what doing one operation after the other would leave', () => {
    fc.assert(
      fc.property(operations, (list) => {
        const rows = list.map(([key, op], i) => row(i, [key], op))
        const oneByOne = new Map<number, bigint>()
        for (const { op, values, record } of rows) {
          if (op === 'write') oneByOne.set(Number(values[0]), record.offset)
          else oneByOne.delete(Number(values[0]))
        }
        const { writes, deletes } = foldByKey(rows, keyFunction(ints))
        const folded = new Map(writes.map(({ values, record }) => [Number(values[0]), record.offset]))
        assert.deepEqual([...folded].sort(), [...oneByOne].sort())
        const touched = new Set(list.map(([key]) => key))
        assert.equal(writes.length + deletes.length, touched.size)
      }),
    )
  })

  it('gives the operations that a rejected one stood in for', () => {
    const rows = [row(0, [1]), row(1, [2]), row(2, [1]), row(3, [3])]
    const rejected = new Set(rows.slice(2, 3))
    assert.deepEqual(supersededBy(rejected, rows, keyFunction(ints)), [rows[0]])
  })

  it('finds keys equal exactly when the database does', () => {
    const decimals = keyFunction(table([{ kind: 'decimal', precision: 10, scale: 5 }]))
    for (const [a, b] of [
      ['1.50', '1.5'],
      ['-0', '0.000'],
      ['007', '7'],
      ['100', '100.0'],
    ] as const) {
      assert.equal(decimals(row(0, [a])), decimals(row(1, [b])))
    }
    for (const [a, b] of [
      ['10', '1'],
      ['1.05', '1.5'],
      ['-1', '1'],
      ['0.1', '1'],
    ] as const) {
      assert.notEqual(decimals(row(0, [a])), decimals(row(1, [b])))
    }
    const pairs = keyFunction(table([{ kind: 'string' }, { kind: 'string' }]))
    const texts = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', '\0', '\u0001') }),
      fc.string({ unit: fc.constantFrom('a', '\0', '\u0001') }),
    )
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        assert.equal(pairs(row(0, a)) === pairs(row(1, b)), a[0] === b[0] && a[1] === b[1])
      }),
      { numRuns: 2000 },
    )
  })
})
