import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { unpack } from '../../../src/engine/produce/pack.ts'
import { type EncodeOptions, PieceEncoder } from '../../../src/engine/produce/piece-encoder.ts'
import { type KeySpec, keySchemaText } from '../../../src/engine/produce/record-key.ts'
import type { Encoded } from '../../../src/engine/produce/work.ts'
import { UsageError } from '../../../src/errors.ts'
import { murmur2 } from '../../../src/kafka/partitioner.ts'
import { type AvroRecord, parseSchema } from '../../../src/schema/avro-schema.ts'
import { cutChunks } from '../../../src/source/file/chunks.ts'
import type { Format } from '../../../src/source/file/format.ts'

const text = JSON.stringify({
  type: 'record',
  name: 'Reading',
  namespace: 'test',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: ['null', 'string'], default: null },
    { name: 'US_Gross', type: ['null', 'double'], default: null, originalName: 'US Gross' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'on', type: 'boolean', default: false },
  ],
})
const schema = parseSchema(text, 'test') as AvroRecord
const type = avsc.Type.forSchema(JSON.parse(text))
const noKey: KeySpec = { fields: [], format: 'string' }

/** Encodes `input` as one piece. */
async function encode(
  input: string | Buffer,
  format: Format,
  options: Partial<EncodeOptions> = {},
): Promise<Encoded> {
  const stream = Readable.from([Buffer.from(input)], { objectMode: false })
  const source = {
    name: 'in',
    text: { format, delimiter: ',' },
    blocks: stream,
    idle: () => false,
    close: () => {},
    fractionRead: () => undefined,
  }
  const encoder = new PieceEncoder({
    schema,
    schemaId: 7,
    partitions: 1,
    key: noKey,
    onBad: 'skip',
    unknownFields: 'error',
    ...options,
  })
  for await (const chunk of cutChunks(source)) {
    return encoder.encode({
      kind: 'chunk',
      sequence: 0,
      firstRecord: 0,
      records: chunk.bounds.length / 3,
      chunk,
    })
  }
  throw new Error('no records')
}

const recordsOf = (encoded: Encoded) =>
  encoded.packs.flatMap((pack) => unpack(pack).map((record) => ({ ...record, ...pack })))
const decode = (value: Buffer | null) => {
  assert.equal(value?.readUIntBE(0, 5), 7)
  return { ...type.fromBuffer((value as Buffer).subarray(5)) }
}
const values = (encoded: Encoded) => recordsOf(encoded).map((r) => decode(r.value))
const keys = (encoded: Encoded) => recordsOf(encoded).map((r) => r.key?.toString())

describe('encoding a piece', () => {
  it('writes magic byte, schema id and what avsc reads back, from all three formats', async () => {
    const expected = [
      { id: 1, name: 'Zoë', US_Gross: 2.5, tags: ['a', 'b'], on: true },
      { id: 2, name: null, US_Gross: null, tags: [], on: false },
    ]
    const rows = '{"id":1,"name":"Zoë","US Gross":2.5,"tags":["a","b"],"on":true}\n{"id":2}'
    assert.deepEqual(values(await encode(rows, 'ndjson')), expected)
    assert.deepEqual(values(await encode(`[${rows.replace('\n', ',\n')}]`, 'json')), expected)
    const csv = 'id,name,US Gross,tags,on\n1,Zoë,2.5,"[""a"",""b""]",true\n2,,,,\n'
    assert.deepEqual(values(await encode(csv, 'csv')), expected)
  })

  it('tells null from the empty text in CSV', async () => {
    const encoded = await encode('id,name\n1,\n2,""\n', 'csv')
    assert.deepEqual(
      values(encoded).map((v) => v.name),
      [null, ''],
    )
  })

  it('keeps all digits of a long', async () => {
    const encoded = await encode('{"id":9223372036854775807}', 'ndjson')
    const [record] = recordsOf(encoded)
    assert.equal(record?.value?.subarray(5, 15).toString('hex'), 'feffffffffffffffff01')
  })

  it('names line, column, field and reason of what does not fit, and keeps its bytes', async () => {
    const input = Buffer.concat([
      Buffer.from('{"id":1}\n{"id":"x"}\n{"id":2,}\n{"id":3,"what":1}\n{"name":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n{"id":4,"tags":["a",5,{}]}\n7\n'),
    ])
    const { good, bad } = await encode(input, 'ndjson')
    assert.equal(good, 1)
    assert.deepEqual(
      bad.map((b) => [b.line, b.column, b.field]),
      [
        [2, undefined, 'id'],
        [3, 9, ''],
        [4, undefined, 'what'],
        [5, undefined, ''],
        [6, undefined, 'tags[2]'],
        [7, undefined, ''],
      ],
    )
    assert.match(bad[0]?.reason ?? '', /whole number/)
    assert.match(bad[1]?.reason ?? '', /not valid JSON/)
    assert.match(bad[2]?.reason ?? '', /no such field/)
    assert.match(bad[3]?.reason ?? '', /not UTF-8/)
    assert.deepEqual(
      bad.map((b) => Buffer.from(b.raw).toString('latin1')),
      input.toString('latin1').trim().split('\n').slice(1),
    )
  })

  it('stops at the first bad record on request', async () => {
    const encoded = await encode('{"id":1}\n{}\n{"id":2}\n{}', 'ndjson', { onBad: 'stop' })
    assert.equal(encoded.good, 1)
    assert.equal(encoded.bad.length, 1)
    assert.deepEqual(encoded.last, { input: 'in', line: 2 })
    assert.equal(encoded.inputBytes, 10)
  })

  it('counts the fields of each CSV record, and names the place of bad quotes', async () => {
    const { bad, good } = await encode('id,name\n1,a,b\n2,"b"c\n3,"x\ny"\n4\n', 'csv')
    assert.equal(good, 1)
    assert.deepEqual(
      bad.map((b) => [b.line, b.column, b.reason]),
      [
        [2, undefined, '3 fields where the header names 2 columns'],
        [3, 6, 'text after the closing quote of a field'],
        [6, undefined, '1 fields where the header names 2 columns'],
      ],
    )
  })

  it('leaves out unknown fields only on request', async () => {
    const encoded = await encode('{"id":1,"what":1}', 'ndjson', { unknownFields: 'ignore' })
    assert.equal(encoded.good, 1)
  })
})

describe('keys and partitions', () => {
  const rows = '{"id":1,"name":"a","US Gross":1.5}\n{"id":20,"name":"ö"}'

  it('writes a key of one field as its text', async () => {
    assert.deepEqual(keys(await encode(rows, 'ndjson', { key: { fields: ['id'], format: 'string' } })), [
      '1',
      '20',
    ])
    assert.deepEqual(keys(await encode(rows, 'ndjson', { key: { fields: ['name'], format: 'string' } })), [
      'a',
      'ö',
    ])
  })

  it('writes a key of several fields, and JSON keys, the same from JSON and CSV', async () => {
    const csv = 'id,name\n1,a\n20,ö\n'
    for (const [input, format] of [
      ['{"id":1,"name":"a"}\n{"id":20,"name":"ö"}', 'ndjson'],
      [csv, 'csv'],
    ] as const) {
      const key = async (fields: string[], format_: KeySpec['format']) =>
        keys(await encode(input, format, { key: { fields, format: format_ } }))
      assert.deepEqual(await key(['id', 'name'], 'string'), ['[1,"a"]', '[20,"ö"]'])
      assert.deepEqual(await key(['id'], 'json'), ['1', '20'])
      assert.deepEqual(await key(['name'], 'json'), ['"a"', '"ö"'])
      assert.deepEqual(await key(['name', 'id'], 'json'), ['{"name":"a","id":1}', '{"name":"ö","id":20}'])
    }
  })

  it('writes an Avro key that avsc reads with the key schema', async () => {
    const keyText = keySchemaText(schema, ['US Gross', 'id'])
    assert.deepEqual(JSON.parse(keyText), {
      type: 'record',
      name: 'ReadingKey',
      namespace: 'test',
      fields: [
        { name: 'US_Gross', type: 'double', originalName: 'US Gross' },
        { name: 'id', type: 'long' },
      ],
    })
    const key = {
      fields: ['US Gross', 'id'],
      format: 'avro' as const,
      schema: parseSchema(keyText, 'k') as AvroRecord,
      schemaId: 9,
    }
    const encoded = await encode(rows, 'ndjson', { key })
    const [record] = recordsOf(encoded)
    assert.equal(record?.key?.readUIntBE(0, 5), 9)
    const read = avsc.Type.forSchema(JSON.parse(keyText)).fromBuffer(
      (record?.key ?? Buffer.alloc(0)).subarray(5),
    )
    assert.deepEqual({ ...read }, { US_Gross: 1.5, id: 1 })
    assert.deepEqual(
      encoded.bad.map((b) => [b.line, b.field, b.reason]),
      [[2, 'US Gross', 'the key field is null or missing']],
    )
  })

  it('refuses key fields that the schema lacks or that make no key', () => {
    assert.throws(() => keySchemaText(schema, ['nope']), UsageError)
    assert.throws(() => keySchemaText(schema, ['tags']), UsageError)
  })

  it('sends a key where Java does, and every record exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string(), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        async (names, partitions) => {
          const input = names.map((name, id) => JSON.stringify({ id, name })).join('\n')
          const encoded = await encode(input, 'ndjson', {
            partitions,
            key: { fields: ['name'], format: 'string' },
          })
          const records = recordsOf(encoded)
          for (const { key, partition } of records) {
            assert.equal(partition, (murmur2(key as Buffer) & 0x7fffffff) % partitions)
          }
          const seen = records.map((r) => decode(r.value)).sort((a, b) => a.id - b.id)
          assert.deepEqual(
            seen.map((v) => v.name),
            names,
          )
        },
      ),
    )
  })

  it('sends records without key round and round', async () => {
    const input = Array.from({ length: 7 }, (_, id) => `{"id":${id}}`).join('\n')
    const encoded = await encode(input, 'ndjson', { partitions: 3 })
    assert.deepEqual(
      encoded.packs.map((pack) => unpack(pack).map((r) => decode(r.value).id)),
      [
        [0, 3, 6],
        [1, 4],
        [2, 5],
      ],
    )
  })
})
