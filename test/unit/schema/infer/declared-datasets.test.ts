import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { generateSchemas, type SampleForm } from '../../../../src/schema/infer/generate.ts'
import { samplesOf } from './infer-samples.ts'

async function* streamed(texts: readonly string[]) {
  yield* samplesOf(texts)
}

function generate(texts: readonly string[], form: SampleForm = 'auto') {
  return generateSchemas(streamed(texts), { name: 'file', namespace: 'com.exam' }, form)
}

suite('the older form of samples', () => {
  test('one schema a dataset', async () => {
    const [one, two, ...rest] = await generate([
      '{"name": "dataset1", "fields": {"id": "long", "my name": "string?", "price": "Decimal(10, 2)", "at": "timestamp"}}',
      '{"name": "data set 2", "fields": {"x": "INT"}}',
    ])
    assert.deepEqual(rest, [])
    assert.deepEqual(one?.avro, {
      type: 'record',
      name: 'dataset1',
      namespace: 'com.exam',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'my_name', originalName: 'my name', type: ['null', 'string'], default: null },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      ],
    })
    assert.equal(two?.fullName, 'com.exam.data_set_2')
  })

  test('records that only look like it are samples', async () => {
    const [schema] = await generate(['{"name": "Anna", "fields": 7}'])
    assert.equal(schema?.name, 'file')
    const [asked] = await generate(['{"name": "Anna", "fields": {"colour": "int"}}'], 'samples')
    assert.equal(asked?.name, 'file')
  })

  test('an unknown type, another form and a repeated name are errors with their place', async () => {
    const good = '{"name": "a", "fields": {"x": "int"}}'
    await assert.rejects(generate(['{"name": "a", "fields": {"x": "varchar"}}']), {
      message: 'dataset a, field "x": unknown type "varchar"',
      where: 's.json:1',
    })
    await assert.rejects(generate([good, '{"x": 1}']), { where: 's.json:2' })
    await assert.rejects(generate([good, good]), { message: 'dataset a is declared twice' })
    await assert.rejects(generate(['{"name": "a", "fields": {"x": "decimal(2,3)"}}']), /unknown type/)
  })
})
