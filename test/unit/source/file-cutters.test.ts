import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { InputError } from '../../../src/errors.ts'
import { type Chunk, type CutOptions, cutChunks } from '../../../src/source/file/chunks.ts'
import { parseCsvRecord } from '../../../src/source/file/csv-record.ts'
import type { Format } from '../../../src/source/file/format.ts'
import { RecordTexts } from '../../../src/source/file/record-texts.ts'

interface Cut {
  text: string
  line: number
  column: number
}

/** Cuts `text`, which arrives in blocks of the given sizes (repeated), into chunks of `chunkBytes`. */
async function cut(
  text: string | Buffer,
  format: Format,
  {
    blockSizes = [7],
    delimiter = ',',
    ...options
  }: CutOptions & { blockSizes?: number[]; delimiter?: string } = {},
): Promise<{ records: Cut[]; chunks: Chunk[]; error: unknown }> {
  const bytes = Buffer.from(text)
  const blocks: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = blockSizes[i % blockSizes.length] as number
    blocks.push(bytes.subarray(at, at + size))
    at += size
  }
  const stream = Readable.from(blocks, { objectMode: false })
  const input = {
    name: 'in',
    text: { format, delimiter },
    blocks: stream,
    idle: () => false,
    close: () => {},
    fractionRead: () => undefined,
  }
  const records: Cut[] = []
  const chunks: Chunk[] = []
  try {
    for await (const chunk of cutChunks(input, options)) {
      chunks.push(chunk)
      const texts = new RecordTexts(chunk)
      for (let i = 0; i < texts.count; i++)
        records.push({ text: texts.text(i) ?? '(bytes)', ...texts.place(i, 0) })
    }
    return { records, chunks, error: undefined }
  } catch (error) {
    return { records, chunks, error }
  }
}

/** 1-based line and column (in bytes) of each occurrence, found the slow way. */
function placeAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)) + 1 }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
const chunkBytes = fc.integer({ min: 1, max: 300 })
const space = fc.array(fc.constantFrom(' ', '\n', '\t', '\r\n'), { maxLength: 3 }).map((s) => s.join(''))

describe('NDJSON cutter', () => {
  it('gives each line once, with its line number, however blocks and chunks fall', async () => {
    const line = fc.oneof(
      fc.json({ noUnicodeString: false }).map((json) => json.replaceAll('\n', ' ')),
      fc.constantFrom('', '   ', '\t'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        sizes,
        chunkBytes,
        async (lines, newLine, endsWithNewLine, blockSizes, chunkBytes) => {
          const text = lines.join(newLine) + (endsWithNewLine ? newLine : '')
          const expected = lines.flatMap((l, i) =>
            l.trim() === '' ? [] : [{ text: l, line: i + 1, column: 1 }],
          )
          const { records, error } = await cut(text, 'ndjson', { blockSizes, chunkBytes })
          assert.equal(error, undefined)
          assert.deepEqual(records, expected)
        },
      ),
    )
  })

  it('refuses a record longer than the limit and names its line', async () => {
    const { records, error } = await cut(`{"a":1}\n{"b":"${'x'.repeat(5000)}"}`, 'ndjson', {
      chunkBytes: 100,
      maxRecordBytes: 1000,
    })
    assert.equal(records.length, 1)
    assert.ok(error instanceof InputError)
    assert.equal(error.where, 'in:2')
  })
})

describe('JSON cutter', () => {
  const value = fc.jsonValue({ noUnicodeString: false })
  const indent = fc.constantFrom(undefined, 1, 4, '\t')

  it('gives each element of an array once, with line and column, however blocks and chunks fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(space, value, indent, space)),
        space,
        sizes,
        chunkBytes,
        async (elements, before, blockSizes, chunkBytes) => {
          let text = `${before}[`
          const expected: Cut[] = []
          for (const [index, [left, element, step, right]] of elements.entries()) {
            if (index > 0) text += ','
            text += left
            const json = JSON.stringify(element, null, step)
            expected.push({ text: json, ...placeAt(text, text.length) })
            text += json + right
          }
          text += `]${before}`
          const { records, error } = await cut(text, 'json', { blockSizes, chunkBytes })
          assert.equal(error, undefined)
          assert.deepEqual(records, expected)
        },
      ),
    )
  })

  it('gives each of the values that follow one another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.dictionary(fc.string(), value), indent, fc.constantFrom('', '\n', ' \n\n'))),
        sizes,
        chunkBytes,
        async (objects, blockSizes, chunkBytes) => {
          let text = ''
          const expected: Cut[] = []
          for (const [object, step, gap] of objects) {
            const json = JSON.stringify(object, null, step)
            expected.push({ text: json, ...placeAt(text, text.length) })
            text += json + gap
          }
          const { records, error } = await cut(text, 'json', { blockSizes, chunkBytes })
          assert.equal(error, undefined)
          assert.deepEqual(records, expected)
        },
      ),
    )
  })

  const broken: [string, number, string, RegExp][] = [
    ['[{"a":1}\n {"a":2}]', 1, 'in:2:2', /',' or '\]'/],
    ['[{"a":1},,{"a":2}]', 1, 'in:1:10', /found ','/],
    ['[{"a":1}]\n x', 1, 'in:2:2', /after the end of the array/],
    ['[{"a":1},\n{"a":2}', 2, 'in:2:8', /before the ']'/],
    ['[{"a":1},\n {"a":', 1, 'in:2:2', /ends inside the record/],
    ['{"a":1} }', 1, 'in:1:9', /found '}'/],
    ['[', 0, 'in:1:2', /before the ']'/],
  ]
  for (const [text, good, where, message] of broken) {
    it(`stops where the structure breaks: ${JSON.stringify(text)}`, async () => {
      for (const size of [1, 3, 1000]) {
        const { records, error } = await cut(text, 'json', { blockSizes: [size], chunkBytes: 4 })
        assert.equal(records.length, good)
        assert.ok(error instanceof InputError)
        assert.equal(error.where, where)
        assert.match(error.message, message)
      }
    })
  }
})

describe('CSV cutter and record parser', () => {
  const delimiters = fc.constantFrom(',', ';', '\t')
  const field = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom('"', ',', ';', '\n', '\r', ' ', 'x', 'é'), { maxLength: 6 })
      .map((c) => c.join('')),
  )

  it('agrees with csv-parse on quoted fields, however blocks and chunks fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 2, max: 4 })
          .chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width }))),
        delimiters,
        fc.constantFrom('\n', '\r\n'),
        sizes,
        chunkBytes,
        async (rows, delimiter, newLine, blockSizes, chunkBytes) => {
          const header = (rows[0] ?? ['a', 'b']).map((_, i) => `c${i}`)
          const write = (row: string[]) => row.map((f) => `"${f.replaceAll('"', '""')}"`).join(delimiter)
          const text = [header.join(delimiter), ...rows.map(write)].join(newLine)
          const { records, chunks, error } = await cut(text, 'csv', { blockSizes, chunkBytes, delimiter })
          assert.equal(error, undefined)
          for (const chunk of chunks) assert.deepEqual(chunk.columns, header)
          const ours = records.map(({ text }) => parseCsvRecord(text, delimiter))
          const oracle = parse(text, { delimiter, from: 2, record_delimiter: ['\n', '\r\n'] }) as string[][]
          assert.deepEqual(
            ours,
            oracle.map((fields) => ({ fields })),
          )
        },
      ),
    )
  })

  it('counts lines inside of quotes and skips empty lines', async () => {
    const text = 'a,b\r\n\r\n"x\ny\n",1\n\nz,"2"'
    const { records } = await cut(text, 'csv', { chunkBytes: 1 })
    assert.deepEqual(
      records.map((r) => [r.text, r.line]),
      [
        ['"x\ny\n",1', 3],
        ['z,"2"', 7],
      ],
    )
  })

  it('takes a quote inside of a plain field as text', async () => {
    const { records } = await cut('size,note\n5" pipe,a\n6,"b"\n', 'csv')
    assert.deepEqual(
      records.map((r) => parseCsvRecord(r.text, ',')),
      [{ fields: ['5" pipe', 'a'] }, { fields: ['6', 'b'] }],
    )
  })

  it('tells null (nothing) from the empty text (quotes)', () => {
    assert.deepEqual(parseCsvRecord('a,,"",', ','), { fields: ['a', null, '', null] })
  })

  it('names the column of text after a closing quote', () => {
    assert.deepEqual(parseCsvRecord('a,"b"c,d', ','), {
      problem: 'text after the closing quote of a field',
      column: 6,
    })
  })

  it('names the line on which the quotes open that never close', async () => {
    const { records, error } = await cut('a,b\n1,2\n3,"x\ny\n', 'csv')
    assert.equal(records.length, 1)
    assert.ok(error instanceof InputError)
    assert.equal(error.where, 'in:3:1')
  })

  for (const [header, message] of [
    ['a,,b', /column 2 of the header has no name/],
    ['a,b,a', /names the column 'a' twice/],
  ] as const) {
    it(`refuses the header ${header}`, async () => {
      const { error } = await cut(`${header}\n1,2,3\n`, 'csv')
      assert.ok(error instanceof InputError)
      assert.match(error.message, message)
    })
  }
})

describe('text of a record', () => {
  it('is undefined where the bytes are not UTF-8, and only there', async () => {
    const text = Buffer.concat([
      Buffer.from('{"a":"é"}\n{"a":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n{"a":"ü"}\n'),
    ])
    const { records } = await cut(text, 'ndjson')
    assert.deepEqual(
      records.map((r) => r.text),
      ['{"a":"é"}', '(bytes)', '{"a":"ü"}'],
    )
  })
})
