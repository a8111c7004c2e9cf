import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { InputError } from '../../../src/errors.ts'
import { type AvroRecord, type AvroSchema, parseSchema, typeText } from '../../../src/schema/avro-schema.ts'

function record(...fields: object[]): AvroRecord {
  const json = { type: 'record', name: 'R', namespace: 'com.exam', fields }
  return parseSchema(JSON.stringify(json), 'r.avsc') as AvroRecord
}

function typeOf(type: unknown): AvroSchema {
  return record({ name: 'f', type }).fields[0]?.type as AvroSchema
}

suite('Avro schema', () => {
  test('a recursive type is the same object everywhere', () => {
    const tree = record({ name: 'left', type: ['null', 'R'], default: null })
    const union = tree.fields[0]?.type
    assert.ok(union?.type === 'union')
    assert.equal(union.branches[1], tree)
    assert.equal(tree.fields[0]?.default, null)
  })

  test('names take the enclosing namespace, dots make them full', () => {
    const { fields } = record(
      { name: 'a', type: { type: 'enum', name: 'E', symbols: ['X'] } },
      { name: 'b', type: { type: 'fixed', name: 'org.F', size: 4 } },
      { name: 'c', type: 'E' },
      { name: 'd', type: 'org.F' },
    )
    assert.deepEqual(
      fields.map(({ type }) => 'fullName' in type && type.fullName),
      ['com.exam.E', 'org.F', 'com.exam.E', 'org.F'],
    )
  })

  test('types come from referenced schemas', () => {
    const address = '{"type":"record","name":"Address","namespace":"com.exam","fields":[]}'
    const person =
      '{"type":"record","name":"Person","namespace":"com.exam","fields":[{"name":"a","type":"Address"}]}'
    const schema = parseSchema(person, 'p.avsc', [address]) as AvroRecord
    assert.equal(typeText(schema.fields[0]?.type as AvroSchema), 'record com.exam.Address')
    assert.throws(() => parseSchema(person, 'p.avsc'), { message: /unknown type "Address"/ })
  })

  test('originalName is the name in the data', () => {
    const { fields } = record(
      { name: 'US_Gross', originalName: 'US Gross', type: 'int' },
      { name: 'x', type: 'int' },
    )
    assert.deepEqual(
      fields.map(({ originalName }) => originalName),
      ['US Gross', 'x'],
    )
  })

  test('a default keeps an integer beyond 2^53', () => {
    assert.equal(record({ name: 'l', type: 'long' }).fields[0]?.default, undefined)
    const text =
      '{"type":"record","name":"R","fields":[{"name":"l","type":"long","default":9007199254740993}]}'
    assert.equal((parseSchema(text, 'r') as AvroRecord).fields[0]?.default, 9007199254740993n)
  })

  const logical: [type: object, text: string][] = [
    [{ type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }, 'decimal(10,2)'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4 }, 'decimal(4,0)'],
    [{ type: 'fixed', name: 'D', size: 5, logicalType: 'decimal', precision: 11, scale: 2 }, 'decimal(11,2)'],
    [{ type: 'int', logicalType: 'date' }, 'date'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 'timestamp-micros'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, 'local-timestamp-millis'],
    [{ type: 'string', logicalType: 'uuid' }, 'uuid'],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, 'uuid'],
  ]
  for (const [type, text] of logical) {
    test(`logical type ${JSON.stringify(type)}`, () => assert.equal(typeText(typeOf(type)), text))
  }

  const ignored: object[] = [
    { type: 'string', logicalType: 'date' },
    { type: 'int', logicalType: 'timestamp-millis' },
    { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 },
    { type: 'bytes', logicalType: 'decimal' },
    { type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5, scale: 0 },
    { type: 'fixed', name: 'F', size: 8, logicalType: 'duration' },
    { type: 'string', logicalType: 'made-up' },
    { type: 'string', logicalType: 'toString' },
  ]
  for (const type of ignored) {
    test(`invalid logical type is ignored: ${JSON.stringify(type)}`, () => {
      const schema = typeOf(type)
      assert.ok('logical' in schema)
      assert.equal(schema.logical, undefined)
      assert.equal(schema.props.logicalType, (type as { logicalType: string }).logicalType)
    })
  }

  const bad: [fields: object[], place: string, message: RegExp][] = [
    [[{ name: 'x', type: 'text' }], '$.fields[0].type', /unknown type "text"/],
    [[{ name: 'a b', type: 'int' }], '$.fields[0]', /"a b" is no legal Avro field name/],
    [[{ name: 'x' }], '$.fields[0]', /field "x" has no "type"/],
    [
      [
        { name: 'x', type: 'int' },
        { name: 'x', type: 'int' },
      ],
      '$.fields[1]',
      /two fields named "x"/,
    ],
    [[{ name: 'x', type: ['int', 'int'] }], '$.fields[0].type[1]', /int appears twice/],
    [[{ name: 'x', type: ['int', ['null']] }], '$.fields[0].type[1]', /may not hold a union/],
    [[{ name: 'x', type: [] }], '$.fields[0].type', /at least one type/],
    [[{ name: 'x', type: 'int', default: 'a' }], '$.fields[0]', /default of field "x".*"a" is no int/],
    [[{ name: 'x', type: 'int', default: 2 ** 31 }], '$.fields[0]', /2147483648 is no int/],
    [[{ name: 'x', type: ['int', 'null'], default: 'a' }], '$.fields[0]', /fits no branch/],
    [[{ name: 'x', type: { type: 'array' } }], '$.fields[0].type', /needs "items"/],
    [[{ name: 'x', type: { type: 'map' } }], '$.fields[0].type', /needs "values"/],
    [[{ name: 'x', type: { type: 'fixed', name: 'F', size: -1 } }], '$.fields[0].type', /needs "size"/],
    [[{ name: 'x', type: { type: 'enum', name: 'E', symbols: ['a-b'] } }], '$.fields[0].type.symbols', /a-b/],
    [
      [{ name: 'x', type: { type: 'enum', name: 'E', symbols: ['A', 'A'] } }],
      '$.fields[0].type.symbols',
      /twice/,
    ],
    [
      [{ name: 'x', type: { type: 'record', name: 'com.exam.R', fields: [] } }],
      '$.fields[0].type',
      /defined twice/,
    ],
    [[{ name: 'x', type: { name: 'y' } }], '$.fields[0].type', /no "type"/],
    [[{ name: 'x', type: 3 }], '$.fields[0].type', /expected a type/],
  ]
  for (const [fields, place, message] of bad) {
    test(`refuses ${JSON.stringify(fields)}`, () => {
      assert.throws(
        () => record(...fields),
        (error: InputError) => {
          assert.ok(error instanceof InputError)
          assert.equal(error.where, `r.avsc ${place}`)
          assert.match(error.message, message)
          return true
        },
      )
    })
  }

  test('JSON that is no Avro schema is said to be none', () => {
    assert.throws(() => parseSchema('{"delay": 1}', 'x.avsc'), {
      message: /not an Avro schema/,
      where: 'x.avsc $',
    })
    assert.throws(() => parseSchema('{"delay" 1}', 'x.avsc'), {
      message: 'not valid JSON',
      where: 'x.avsc:1:10',
    })
  })
})
