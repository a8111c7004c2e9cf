import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { InferOptions } from '../../../../src/schema/infer/options.ts'
import { infer, typeOfValues } from './infer-samples.ts'

const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const long = (logicalType: string) => ({ type: 'long', logicalType })
const id = '"123e4567-e89b-12d3-a456-426614174000"'

const cases: [values: string[], type: unknown, options?: Partial<InferOptions>][] = [
  [['1', '-2147483648', '2147483647'], 'int'],
  [['1', '2147483648'], 'long'],
  [['-9223372036854775808', '9223372036854775807'], 'long'],
  [['9223372036854775808'], decimal(23, 0)],
  [['1.0'], 'double'],
  [['1e3', '-0.5', '7'], 'double'],
  [['0.1', '9007199254740992'], 'double'],
  [['0.1', '9007199254740993'], decimal(21, 1)],
  [['0.12345678901234567891'], decimal(25, 20)],
  [['0.30000000000000004'], 'double'],
  [['1.5', '1e400'], 'string'],
  [['1.25', '10'], decimal(18, 2), { decimals: true }],
  [['1', '2'], 'int', { decimals: true }],
  [['true', 'false'], 'boolean'],
  [['"a"'], 'string'],
  [
    ['"a"', 'null'],
    ['null', 'string'],
  ],
  [['null'], ['null', 'string']],
  [['"a"', '1'], 'string'],
  [['true', '1'], 'string'],
  [['"2024-02-29"'], { type: 'int', logicalType: 'date' }],
  [['"2023-02-29"'], 'string'],
  [['"2024-01-01T10:00:00Z"', '"2024-01-01T10:00:00.123+02:00"'], long('timestamp-millis')],
  [['"2024-01-01T10:00:00.123456Z"', '"2024-01-01T10:00:00Z"'], long('timestamp-micros')],
  [['"2024-01-01T10:00:00.1234567Z"'], 'string'],
  [['"2024-01-01 10:00:00"'], long('local-timestamp-millis')],
  [['"2024-01-01T10:00:00.1234"'], long('local-timestamp-micros')],
  [['"2024-01-01T24:00:00Z"'], 'string'],
  [['"2024-01-01T10:00:00Z"', '"2024-01-01T10:00:00"'], 'string'],
  [['"2024-01-01"', '"2024-01-01T10:00:00"'], 'string'],
  [['"2024-01-01"', '"soon"'], 'string'],
  [['"2024-01-01"'], 'string', { plainStrings: true }],
  [[id], { type: 'string', logicalType: 'uuid' }],
  [[id, id.toUpperCase()], 'string'],
  [['"aGk="', '"AAAA"'], 'bytes', { base64: ['f'] }],
  [['[1, 2]', '[3000000000]'], { type: 'array', items: 'long' }],
  [['[1, null]'], { type: 'array', items: ['null', 'int'] }],
  [['[]'], { type: 'array', items: 'string' }],
  [['{}'], { type: 'map', values: 'string' }],
  [['{"2020": 1, "2021": 2, "2022": null}'], { type: 'map', values: ['null', 'int'] }],
  [['{"a": 1, "b": 2}'], { type: 'map', values: 'int' }, { maps: ['f'] }],
  [
    ['1', '[1]'],
    ['int', { type: 'array', items: 'int' }],
  ],
]

suite('types of samples', () => {
  for (const [values, type, options] of cases) {
    test(`${values.join(' and ')}${options ? ` with ${JSON.stringify(options)}` : ''}`, async () => {
      assert.deepEqual(await typeOfValues(values, options), type)
    })
  }

  test('records nest, take their names from the path, and missing fields are optional', async () => {
    const { avro } = await infer(['{"a": {"b": {"c": 1}}}', '{"a": {"b": {}}}'], { namespace: 'com.exam' })
    const c = { name: 'c', type: ['null', 'int'], default: null }
    const b = { name: 'b', type: { type: 'record', name: 'r_a_b', fields: [c] } }
    const a = { name: 'a', type: { type: 'record', name: 'r_a', fields: [b] } }
    assert.deepEqual(avro, { type: 'record', name: 'r', namespace: 'com.exam', fields: [a] })
  })

  test('a record name that two paths make is made unique', async () => {
    const { avro } = await infer(['{"a_b": {"x": 1}, "a": {"b": {"y": 1}}}'])
    const names = JSON.stringify(avro).match(/"type":"record","name":"[^"]+"/g)
    assert.equal(new Set(names).size, 4)
  })

  test('mixed records and texts are a union that keeps texts as they are', async () => {
    const type = await typeOfValues(['{"x": 1}', '"2024-01-01"', 'null'])
    const record = { type: 'record', name: 'r_f', fields: [{ name: 'x', type: 'int' }] }
    assert.deepEqual(type, ['null', 'string', record])
  })

  test('many sparse keys of one shape are a map, many dense keys a record', async () => {
    const keys = (from: number, n: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, i) => [`user${from + i}`, i])))
    assert.deepEqual(await typeOfValues([keys(0, 8), keys(8, 8), keys(16, 8)]), {
      type: 'map',
      values: 'int',
    })
    const dense = (await typeOfValues([keys(0, 20), keys(0, 20)])) as { type: string }
    assert.equal(dense.type, 'record')
    const kept = (await typeOfValues([keys(0, 8), keys(8, 8), keys(16, 8)], { noMaps: true })) as {
      type: string
    }
    assert.equal(kept.type, 'record')
  })

  test('more than 1000 keys are a map below the record and an error in it', async () => {
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i])))
    assert.deepEqual(await typeOfValues([wide]), { type: 'map', values: 'int' })
    await assert.rejects(infer([wide]), /more than 1000 different fields/)
  })

  test('names that Avro forbids become legal and unique and keep the original', async () => {
    const { avro } = await infer([
      '{"US Gross": 1, "US_Gross": 2, "US-Gross": 3, "2nd": 4, "é": 5, "名": 6, "": 7}',
    ])
    const fields = (avro as unknown as { fields: { name: string; originalName?: string }[] }).fields
    assert.deepEqual(
      fields.map(({ name, originalName }) => [name, originalName]),
      [
        ['US_Gross_2', 'US Gross'],
        ['US_Gross', undefined],
        ['US_Gross_3', 'US-Gross'],
        ['_2nd', '2nd'],
        ['e', 'é'],
        ['field', '名'],
        ['field_2', ''],
      ],
    )
  })

  test('the explanation names the value that widened a type, and where it stands', async () => {
    const { fields } = await infer(['{"n": 1, "t": "a"}', '{"n": 3000000000, "t": 7}', '{"n": null}'])
    assert.deepEqual(
      fields.map(({ path, type, nullable, samples, nulls, missing }) => [
        path,
        type,
        nullable,
        samples,
        nulls,
        missing,
      ]),
      [
        ['n', 'long', true, 3, 1, 0],
        ['t', 'string', true, 2, 0, 1],
      ],
    )
    assert.deepEqual(fields[0]?.why, ['beyond 32 bits: 3000000000 (s.json:2)'])
    assert.match(
      fields[1]?.why[0] ?? '',
      /1 integers, first 7 \(s\.json:2\); 1 strings, first "a" \(s\.json:1\)/,
    )
  })

  test('what cannot be a record, and options that match nothing, are errors', async () => {
    await assert.rejects(infer(['{"a": 1}', '7']), { where: 's.json:2 (record 2)' })
    await assert.rejects(infer([]), /no sample/)
    await assert.rejects(infer(['{"a": 1}'], { maps: ['b'] }), /--map b/)
    await assert.rejects(infer(['{"a": "x y"}'], { base64: ['a'] }), {
      message: /a is not base64/,
      where: 's.json:1',
    })
  })
})
