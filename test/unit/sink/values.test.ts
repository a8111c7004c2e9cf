import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { UnexpectedError } from '../../../src/errors.ts'
import type { ColumnType, SqlValue } from '../../../src/schema/table-spec.ts'
import { types } from '../../../src/sink/postgres/types.ts'
import { rowProblem } from '../../../src/sink/sql/values.ts'

function problem(type: ColumnType, value: SqlValue, nullable = false): string | undefined {
  const column = { name: 'c', type, nullable, source: { from: 'value' as const, path: ['c'] } }
  const record = { offset: 0n, timestamp: 0n, key: null, value: null, headers: [] }
  const spec = { table: 't', columns: [column], primaryKey: [], provenance: false }
  return rowProblem({ op: 'write', record, values: [value] }, spec, new Set(), types)
}

describe('values', () => {
  it('lets every number of the column’s own type through', () => {
    fc.assert(fc.property(fc.integer(), (n) => assert.equal(problem({ kind: 'int32' }, n), undefined)))
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) =>
        assert.equal(problem({ kind: 'int64' }, n), undefined),
      ),
    )
    fc.assert(fc.property(fc.float(), (n) => assert.equal(problem({ kind: 'float32' }, n), undefined)))
    fc.assert(fc.property(fc.double(), (n) => assert.equal(problem({ kind: 'float64' }, n), undefined)))
  })

  it('stops numbers that the column would change', () => {
    assert.match(problem({ kind: 'int32' }, 2 ** 31) ?? '', /out of range/)
    assert.match(problem({ kind: 'int32' }, 1.5) ?? '', /out of range/)
    assert.match(problem({ kind: 'int64' }, 2n ** 63n) ?? '', /out of range/)
    assert.match(problem({ kind: 'float32' }, 0.1) ?? '', /32-bit/)
    const decimal: ColumnType = { kind: 'decimal', precision: 5, scale: 2 }
    assert.equal(problem(decimal, '-00999.990'), undefined)
    for (const text of ['1000', '0.001', '1e3', 'NaN', '', '.5', '1;DROP TABLE x'])
      assert(problem(decimal, text), text)
  })

  it('counts characters, not UTF-16 units', () => {
    assert.equal(problem({ kind: 'string', maxLength: 2 }, '😀😀'), undefined)
    assert.match(problem({ kind: 'string', maxLength: 2 }, '😀😀a') ?? '', /longer than 2/)
  })

  it('takes null only where the column does', () => {
    assert.equal(problem({ kind: 'int32' }, null, true), undefined)
    assert.match(problem({ kind: 'int32' }, null) ?? '', /not nullable/)
  })

  it('blames the encoder for a wrong JavaScript type', () => {
    assert.throws(() => problem({ kind: 'int64' }, 5), UnexpectedError)
    assert.throws(() => problem({ kind: 'string' }, Buffer.from('x')), UnexpectedError)
  })
})
