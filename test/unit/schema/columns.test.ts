import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { type AvroSchema, parseSchema } from '../../../src/schema/avro-schema.ts'
import { columnsFor } from '../../../src/schema/columns/columns.ts'
import { keyColumnsFor, tableSpecFor } from '../../../src/schema/columns/table-spec-for.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'

function recordOf(...fields: PlainJson[]): AvroSchema {
  return parseSchema(JSON.stringify({ type: 'record', name: 'R', fields }), 'test')
}

function typeOf(type: PlainJson) {
  const [column] = columnsFor(recordOf({ name: 'a', type }))
  return column && [column.type, column.nullable]
}

test('Avro types become column types', () => {
  const long = (logicalType: string) => typeOf({ type: 'long', logicalType })
  assert.deepEqual(typeOf('boolean'), [{ kind: 'boolean' }, false])
  assert.deepEqual(typeOf('int'), [{ kind: 'int32' }, false])
  assert.deepEqual(typeOf(['null', 'long']), [{ kind: 'int64' }, true])
  assert.deepEqual(typeOf(['float', 'null']), [{ kind: 'float32' }, true])
  assert.deepEqual(typeOf('double'), [{ kind: 'float64' }, false])
  assert.deepEqual(typeOf('string'), [{ kind: 'string' }, false])
  assert.deepEqual(typeOf('bytes'), [{ kind: 'bytes' }, false])
  assert.deepEqual(typeOf({ type: 'fixed', name: 'F', size: 3 }), [{ kind: 'bytes', maxLength: 3 }, false])
  assert.deepEqual(typeOf({ type: 'enum', name: 'E', symbols: ['A'] }), [
    { kind: 'enum', symbols: ['A'] },
    false,
  ])
  const decimal = { logicalType: 'decimal', precision: 10, scale: 2 }
  assert.deepEqual(typeOf({ type: 'bytes', ...decimal }), [
    { kind: 'decimal', precision: 10, scale: 2 },
    false,
  ])
  assert.deepEqual(typeOf({ type: 'string', logicalType: 'uuid' }), [{ kind: 'uuid' }, false])
  assert.deepEqual(typeOf({ type: 'int', logicalType: 'date' }), [{ kind: 'date' }, false])
  assert.deepEqual(typeOf({ type: 'int', logicalType: 'time-millis' }), [{ kind: 'time' }, false])
  assert.deepEqual(long('time-micros'), [{ kind: 'time' }, false])
  assert.deepEqual(long('timestamp-millis'), [{ kind: 'timestamp', zoned: true, precision: 3 }, false])
  assert.deepEqual(long('local-timestamp-micros'), [{ kind: 'timestamp', zoned: false, precision: 6 }, false])
  assert.deepEqual(long('timestamp-nanos'), [{ kind: 'int64' }, false])
  assert.deepEqual(typeOf(['null', 'int', 'string']), [{ kind: 'json' }, true])
  assert.deepEqual(typeOf({ type: 'array', items: 'int' }), [{ kind: 'json' }, false])
  assert.deepEqual(typeOf({ type: 'map', values: 'int' }), [{ kind: 'json' }, false])
})

const point = {
  type: 'record',
  name: 'P',
  fields: [
    { name: 'x', type: 'int' },
    { name: 'y_1', originalName: 'y 1', type: 'int' },
  ],
}

test('columns have the original names, and the path of Avro names; flat ones are joined by _', () => {
  const schema = recordOf(
    { name: 'US_Gross', originalName: 'US Gross', type: 'int' },
    { name: 'at', type: ['null', point] },
  )
  assert.deepEqual(
    columnsFor(schema).map(({ name, source }) => [name, source.path]),
    [
      ['US Gross', ['US_Gross']],
      ['at', ['at']],
    ],
  )
  assert.deepEqual(
    columnsFor(schema, { flatten: true }).map(({ name, nullable, source }) => [name, nullable, source.path]),
    [
      ['US Gross', false, ['US_Gross']],
      ['at_x', true, ['at', 'x']],
      ['at_y 1', true, ['at', 'y_1']],
    ],
  )
})

test('a record inside itself stays JSON when flattened', () => {
  const schema = recordOf({ name: 'a', type: 'int' }, { name: 'next', type: ['null', 'R'] })
  assert.deepEqual(columnsFor(schema, { flatten: true })[1]?.type, { kind: 'json' })
})

test('two fields for one column are refused, with both paths', () => {
  const schema = recordOf({ name: 'at_x', type: 'int' }, { name: 'at', type: point })
  assert.throws(
    () => columnsFor(schema, { flatten: true }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /at_x and at\.x are both "at_x"/)
      return true
    },
  )
})

const spec = { table: 'r', primaryKey: ['id'], provenance: true }
const value = recordOf(
  { name: 'id', type: 'long' },
  { name: 'note', type: ['null', 'string'] },
  { name: 'at', type: point },
)

test('the primary key must be there, be required and be a plain column', () => {
  assert.deepEqual(tableSpecFor({ ...spec, schema: value }).primaryKey, ['id'])
  const refused: [primaryKey: string[], message: RegExp][] = [
    [['nope'], /names column "nope", which the schema does not give/],
    [['note'], /"note" may be null/],
    [['at'], /holds JSON/],
    [['id', 'id'], /listed twice/],
  ]
  for (const [primaryKey, message] of refused) {
    assert.throws(() => tableSpecFor({ ...spec, schema: value, primaryKey }), { message, exitCode: 78 })
  }
})

test('the names of the provenance columns are taken, whatever their case', () => {
  const schema = recordOf({ name: 'Kafka_Offset', type: 'long' })
  assert.throws(() => tableSpecFor({ ...spec, primaryKey: [], schema }), ConfigError)
  assert.equal(tableSpecFor({ ...spec, primaryKey: [], provenance: false, schema }).columns.length, 1)
})

test('key columns can come from the record key: replaced where the value has them, else added', () => {
  const key = parseSchema('"long"', 'key')
  const table = tableSpecFor({ ...spec, schema: value, keyFrom: key })
  assert.deepEqual(table.columns[0], {
    name: 'id',
    type: { kind: 'int64' },
    nullable: false,
    source: { from: 'key', path: [] },
  })
  assert.equal(table.columns.length, 3)
  const added = tableSpecFor({
    ...spec,
    schema: value,
    primaryKey: ['k'],
    keyFrom: recordOf({ name: 'k', type: 'string' }),
  })
  assert.deepEqual(
    added.columns.map(({ name }) => name),
    ['k', 'id', 'note', 'at'],
  )
  assert.throws(() => keyColumnsFor(key, ['a', 'b']), /a single long, the primary key has 2 columns/)
  assert.throws(() => keyColumnsFor(value, ['x']), {
    message: /no field "x"/,
    next: /choose among: id, note, at/,
  })
})
