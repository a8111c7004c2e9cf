import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ByteWriter } from '../../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../../src/schema/avro/json-encoder.ts'
import { compileJsonDecoder } from '../../../../src/schema/avro/row-decoder.ts'
import { type AvroRecord, parseSchema, typeText } from '../../../../src/schema/avro-schema.ts'
import { inferSchema, schemaFileText } from '../../../../src/schema/infer/infer.ts'
import { jsonText } from '../../../../src/schema/json-text.ts'
import { readSamples } from '../../../../src/source/samples.ts'

const data = join(import.meta.dirname, '../../../../node_modules/vega-datasets/data')

async function schemaOf(file: string): Promise<AvroRecord> {
  const { avro } = await inferSchema(readSamples(join(data, file)), { name: 'r' })
  return parseSchema(schemaFileText(avro), file) as AvroRecord
}

function fieldsOf(schema: AvroRecord): Record<string, string> {
  return Object.fromEntries(schema.fields.map(({ originalName, type }) => [originalName, typeText(type)]))
}

suite('schemas of real data', () => {
  test('flights: 200,000 records', async () => {
    assert.deepEqual(fieldsOf(await schemaOf('flights-200k.json')), {
      delay: 'int',
      distance: 'int',
      time: 'double',
    })
  })

  test('movies: names with spaces, titles that are numbers, nulls', async () => {
    const fields = fieldsOf(await schemaOf('movies.json'))
    assert.equal(fields.Title, 'null | string')
    assert.equal(fields['US Gross'], 'null | int')
    assert.equal(fields['Worldwide Gross'], 'null | long')
    assert.equal(fields['IMDB Rating'], 'null | double')
    assert.equal(fields['Release Date'], 'string')
    assert.equal(Object.keys(fields).length, 16)
  })

  test('birdstrikes: CSV with dates and empty cells', async () => {
    const fields = fieldsOf(await schemaOf('birdstrikes.csv'))
    assert.equal(fields['Flight Date'], 'date')
    assert.equal(fields['Cost Total $'], 'int')
    assert.equal(fields['Speed IAS in knots'], 'null | int')
    assert.equal(fields['Airport Name'], 'string')
  })

  test('zip codes with leading zeros stay text', async () => {
    assert.equal(fieldsOf(await schemaOf('zipcodes.csv')).zip_code, 'string')
  })

  for (const file of ['movies.json', 'earthquakes.json']) {
    test(`${file}: each record comes back equal`, async () => {
      const schema = await schemaOf(file)
      const encode = compileJsonEncoder(schema)
      const decode = compileJsonDecoder(schema, schema)
      const out = new ByteWriter()
      let records = 0
      for await (const { value } of readSamples(join(data, file))) {
        const sent = JSON.parse(jsonText(value))
        out.reset()
        encode(sent, out)
        const back = JSON.parse(decode(out.copy(), 0))
        // Nine movies have a number as title.
        if (typeof sent.Title === 'number') sent.Title = String(sent.Title)
        assert.deepEqual(back, sent)
        records++
      }
      const all = JSON.parse(readFileSync(join(data, file), 'utf8'))
      assert.equal(records, Array.isArray(all) ? all.length : 1)
    })
  }
})
