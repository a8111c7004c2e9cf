import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { InputError, UsageError } from '../../../src/errors.ts'
import { cutChunks } from '../../../src/source/file/chunks.ts'
import { detectFormat, type TextFormat } from '../../../src/source/file/format.ts'
import { openInput } from '../../../src/source/file/input.ts'
import { RecordTexts } from '../../../src/source/file/record-texts.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etl-input-'))
})
after(() => rm(folder, { recursive: true }))

async function records(
  name: string,
  content: Buffer | string,
  forced: Partial<TextFormat> = {},
): Promise<string[]> {
  const path = join(folder, name)
  await writeFile(path, content)
  const found: string[] = []
  for await (const chunk of cutChunks(await openInput(path, forced))) {
    const texts = new RecordTexts(chunk)
    for (let i = 0; i < texts.count; i++) found.push(texts.text(i) ?? '')
  }
  return found
}

const rows = Array.from({ length: 50_000 }, (_, i) => `{"i":${i}}`)
const ndjson = `${rows.join('\n')}\n`

describe('opening an input', () => {
  it('reads plain, gzip and zstd files alike, whatever they are called', async () => {
    assert.deepEqual(await records('plain.ndjson', ndjson), rows)
    assert.deepEqual(await records('data.ndjson.gz', gzipSync(ndjson)), rows)
    assert.deepEqual(await records('data.zst', zstdCompressSync(ndjson)), rows)
    assert.deepEqual(await records('two.gz', Buffer.concat([gzipSync(ndjson), gzipSync('{"i":1}')])), [
      ...rows,
      '{"i":1}',
    ])
  })

  it('drops the byte order mark', async () => {
    assert.deepEqual(await records('bom.csv', '\ufeffa,b\n1,2\n'), ['1,2'])
    assert.deepEqual(await records('bom.json', '\ufeff[1]'), ['1'])
  })

  it('reads inputs without any line feed', async () => {
    assert.deepEqual(await records('one.ndjson', '{"a":1}'), ['{"a":1}'])
    assert.deepEqual(await records('one.gz', gzipSync('{"a":1}')), ['{"a":1}'])
    assert.deepEqual(await records('1.ndjson', '1'), ['1'])
  })

  it('reads an empty file as no records', async () => {
    assert.deepEqual(await records('empty.json', ''), [])
    assert.deepEqual(await records('blank', ' \n\n'), [])
    assert.deepEqual(await records('empty.csv', ''), [])
  })

  it('refuses UTF-16 with the command that converts it', async () => {
    await assert.rejects(records('utf16.csv', Buffer.from('\ufeffa,b', 'utf16le')), (error) => {
      assert.ok(error instanceof InputError)
      assert.match(error.next ?? '', /iconv -f UTF-16/)
      return true
    })
  })

  it('says that compressed data is damaged', async () => {
    const good = gzipSync(ndjson)
    for (const [name, bytes] of [
      ['cut.gz', good.subarray(0, good.length / 2)],
      ['cut.zst', zstdCompressSync(ndjson).subarray(0, -20)],
      ['flipped.gz', Buffer.from(good).fill(0x55, 200, 300)],
    ] as const) {
      await assert.rejects(records(name, bytes), (error) => {
        assert.ok(error instanceof InputError, `${name}: ${error}`)
        assert.match(error.message, /damaged/)
        return true
      })
    }
  })

  it('says which file cannot be opened', async () => {
    for (const path of [join(folder, 'none.json'), folder]) {
      await assert.rejects(openInput(path), (error) => {
        assert.ok(error instanceof UsageError)
        assert.equal(error.where, path)
        return true
      })
    }
  })
})

describe('format', () => {
  const cases: [string, string, TextFormat['format'], string?][] = [
    ['a.ndjson', '[1', 'ndjson'],
    ['a.jsonl.gz', '', 'ndjson'],
    ['a.csv', '{', 'csv'],
    ['A.TSV.zst', 'a\tb', 'csv', '\t'],
    ['a.json', ' \n[{"a":1}', 'json'],
    ['a.json', '{\n "a": 1\n}', 'json'],
    ['a.json', '{"a":1}\n{"a":2}', 'ndjson'],
    ['stdin', '{"a":{}} \r\n', 'ndjson'],
    ['stdin', '{"a":1,\n', 'json'],
  ]
  for (const [name, head, format, delimiter = ','] of cases) {
    it(`of ${name} with ${JSON.stringify(head)} is ${format}`, () => {
      assert.deepEqual(detectFormat(name, head, {}), { format, delimiter })
    })
  }

  it('is asked for where nothing tells', () => {
    assert.throws(() => detectFormat('stdin', 'a,b\n', {}), UsageError)
    assert.deepEqual(detectFormat('stdin', 'a;b\n', { format: 'csv', delimiter: ';' }), {
      format: 'csv',
      delimiter: ';',
    })
  })
})
