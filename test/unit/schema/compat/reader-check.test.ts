import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { type AvroSchema, parseSchema } from '../../../../src/schema/avro-schema.ts'
import { levelProblems } from '../../../../src/schema/compat/compatibility.ts'
import { readerProblems } from '../../../../src/schema/compat/reader-check.ts'
import type { CompatibilityLevel } from '../../../../src/schema/registry.ts'

function schema(json: unknown): AvroSchema {
  return parseSchema(JSON.stringify(json), 'test')
}

function record(...fields: object[]): AvroSchema {
  return schema({ type: 'record', name: 'R', namespace: 'com.exam', fields })
}

function found(reader: AvroSchema, writer: AvroSchema): string[] {
  return readerProblems(reader, writer).map(({ path, rule }) => `${path} ${rule}`)
}

const field = (type: unknown) => record({ name: 'f', type })
const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const enumeration = (symbols: string[], rest = {}) => ({ type: 'enum', name: 'E', symbols, ...rest })
const long = (logicalType: string) => ({ type: 'long', logicalType })

const cases: [reader: unknown, writer: unknown, problems: string[]][] = [
  ['long', 'int', []],
  ['double', 'long', []],
  ['float', 'long', []],
  ['bytes', 'string', []],
  ['string', 'bytes', []],
  ['int', 'long', ['R.f TYPE_MISMATCH']],
  ['string', 'int', ['R.f TYPE_MISMATCH']],
  [['null', 'int'], 'int', []],
  [['null', 'string'], 'int', ['R.f MISSING_UNION_BRANCH']],
  ['int', ['null', 'int'], ['R.f TYPE_MISMATCH']],
  [['null', 'long'], ['null', 'int'], []],
  [{ type: 'array', items: 'int' }, { type: 'array', items: 'long' }, ['R.f[] TYPE_MISMATCH']],
  [{ type: 'map', values: 'int' }, { type: 'map', values: 'string' }, ['R.f{} TYPE_MISMATCH']],
  [enumeration(['A']), enumeration(['A', 'B']), ['R.f MISSING_ENUM_SYMBOLS']],
  [enumeration(['A'], { default: 'A' }), enumeration(['A', 'B']), []],
  [{ ...enumeration(['A']), name: 'G' }, enumeration(['A']), ['R.f NAME_MISMATCH']],
  [{ ...enumeration(['A']), name: 'G', aliases: ['E'] }, enumeration(['A']), []],
  [{ ...enumeration(['A']), name: 'org.E' }, enumeration(['A']), []],
  [{ type: 'fixed', name: 'F', size: 4 }, { type: 'fixed', name: 'F', size: 5 }, ['R.f FIXED_SIZE_MISMATCH']],
  [decimal(12, 2), decimal(10, 2), []],
  [decimal(10, 2), decimal(12, 2), ['R.f LOGICAL_TYPE_MISMATCH']],
  [decimal(10, 3), decimal(10, 2), ['R.f LOGICAL_TYPE_MISMATCH']],
  [long('timestamp-micros'), long('timestamp-millis'), ['R.f LOGICAL_TYPE_MISMATCH']],
  [['null', long('timestamp-micros')], ['null', long('timestamp-millis')], ['R.f LOGICAL_TYPE_MISMATCH']],
  ['long', long('timestamp-millis'), ['R.f LOGICAL_TYPE_MISMATCH']],
  [long('timestamp-millis'), { type: 'int', logicalType: 'date' }, ['R.f LOGICAL_TYPE_MISMATCH']],
  ['string', { type: 'string', logicalType: 'uuid' }, []],
]

suite('can a reader read what a writer wrote', () => {
  for (const [reader, writer, problems] of cases) {
    test(`${JSON.stringify(writer)} read as ${JSON.stringify(reader)}`, () => {
      assert.deepEqual(found(field(reader), field(writer)), problems)
    })
  }

  test('a field that the writer lacks needs a default, or an alias', () => {
    const old = record({ name: 'a', type: 'int' })
    assert.deepEqual(found(record({ name: 'b', type: 'int' }), old), [
      'R.b READER_FIELD_MISSING_DEFAULT_VALUE',
    ])
    assert.deepEqual(found(record({ name: 'b', type: 'int', default: 0 }), old), [])
    assert.deepEqual(found(record({ name: 'b', aliases: ['a'], type: 'int' }), old), [])
    assert.deepEqual(found(record({ name: 'b', aliases: ['a'], type: 'string' }), old), ['R.b TYPE_MISMATCH'])
  })

  test('recursive schemas end, and their problems are found once', () => {
    const tree = (value: string) =>
      record(
        { name: 'value', type: value },
        { name: 'next', type: ['null', 'R'] },
        { name: 'all', type: { type: 'array', items: 'R' } },
      )
    assert.deepEqual(found(tree('long'), tree('int')), [])
    assert.deepEqual(found(tree('int'), tree('long')), ['R.value TYPE_MISMATCH'])
  })

  test('a problem deep inside is named by its path and its original names', () => {
    const order = (price: string) => {
      const line = {
        type: 'record',
        name: 'Line',
        fields: [{ name: 'unit_price', originalName: 'unit price', type: price }],
      }
      return record({ name: 'lines', type: ['null', { type: 'array', items: line }] })
    }
    assert.deepEqual(found(order('int'), order('double')), ['R.lines[].unit price TYPE_MISMATCH'])
  })

  test('levels look forward, backward, at the last or at all', () => {
    const [one, two, three] = [field('int'), field('long'), field('double')]
    const earlier = [
      { label: 'v1', schema: one },
      { label: 'v2', schema: two },
    ] as { label: string; schema: AvroSchema }[]
    const problems = (next: AvroSchema, level: CompatibilityLevel) =>
      levelProblems(next, earlier, level).map(({ direction, against }) => `${direction} ${against}`)
    assert.deepEqual(problems(three as AvroSchema, 'BACKWARD_TRANSITIVE'), [])
    assert.deepEqual(problems(three as AvroSchema, 'FORWARD'), ['forward v2'])
    assert.deepEqual(problems(three as AvroSchema, 'FULL_TRANSITIVE'), ['forward v1', 'forward v2'])
    assert.deepEqual(problems(one as AvroSchema, 'FULL'), ['backward v2'])
    assert.deepEqual(problems(field('boolean'), 'NONE'), [])
  })

  test('agrees with avsc on random pairs of schemas', () => {
    fc.assert(
      fc.property(randomType, randomType, (a, b) => {
        const [reader, writer] = [wrapped(a), wrapped(b)]
        const problems = readerProblems(schema(reader), schema(writer))
        assert.equal(problems.length === 0, avscCanRead(reader, writer), JSON.stringify(problems))
      }),
      { numRuns: 2000 },
    )
  })
})

type Json = string | object
const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const named = fc.constantFrom<Json>(
  { type: 'enum', name: 'E', symbols: ['A'] },
  { type: 'enum', name: 'E', symbols: ['A', 'B'] },
  { type: 'fixed', name: 'F', size: 2 },
  { type: 'fixed', name: 'F', size: 3 },
)
const { type: randomType } = fc.letrec<{ type: Json; plain: Json }>((tie) => ({
  plain: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(...primitives),
    named,
    tie('type').map((items) => ({ type: 'array', items })),
    tie('type').map((values) => ({ type: 'map', values })),
  ),
  type: fc.oneof(
    tie('plain'),
    fc.uniqueArray(fc.constantFrom<Json>(...primitives), { minLength: 1, maxLength: 4 }),
  ),
}))

function wrapped(type: Json): object {
  return { type: 'record', name: 'R', fields: [{ name: 'f', type }] }
}

function avscCanRead(reader: object, writer: object): boolean {
  const types = [reader, writer].map((json) =>
    avsc.Type.forSchema(json as avsc.Schema, { wrapUnions: 'always' }),
  )
  try {
    ;(types[0] as avsc.Type).createResolver(types[1] as avsc.Type)
    return true
  } catch {
    return false
  }
}
