import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { jsonText } from '../../../src/schema/json-text.ts'
import { readSamples } from '../../../src/source/samples.ts'

suite('samples of a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'etl-samples-'))
  after(() => rmSync(dir, { recursive: true }))

  async function read(name: string, content: string | Buffer): Promise<string[]> {
    const path = join(dir, name)
    writeFileSync(path, content)
    const found: string[] = []
    for await (const { value, place } of readSamples(path)) found.push(`${place.line} ${jsonText(value)}`)
    return found
  }

  test('an array, one object over lines, NDJSON, gzip', async () => {
    assert.deepEqual(await read('a.json', '[{"a":1.0},\n {"a":2}]'), ['1 {"a":1.0}', '2 {"a":2}'])
    assert.deepEqual(await read('o.json', '{\n"a": [1,\n2]}\n'), ['1 {"a":[1,2]}'])
    assert.deepEqual(await read('n.ndjson', '{"a":1}\n\n{"a":2}'), ['1 {"a":1}', '3 {"a":2}'])
    assert.deepEqual(await read('z.ndjson.gz', gzipSync('{"a":1}\n')), ['1 {"a":1}'])
  })

  test('CSV cells are numbers, booleans, null or text', async () => {
    const rows = await read('c.csv', 'a,"b c",d\n1,-2.50,true\n,"",007\n1e-5,1E5,"x,""y"\n')
    assert.deepEqual(rows, [
      '2 {"a":1,"b c":-2.50,"d":true}',
      '3 {"a":null,"b c":"","d":"007"}',
      '4 {"a":1e-5,"b c":"1E5","d":"x,\\"y"}',
    ])
  })

  test('errors name line and column', async () => {
    await assert.rejects(read('b.ndjson', '{"a":1}\n{"a":}\n'), { where: `${join(dir, 'b.ndjson')}:2:6` })
    await assert.rejects(read('l.csv', 'a,b\n1\n'), { where: `${join(dir, 'l.csv')}:2` })
    await assert.rejects(read('t.csv', 'a,a\n1,2\n'), /'a' twice/)
    await assert.rejects(read('u.csv', ',a\n1,2\n'), /column 1 .*has no name/)
    await assert.rejects(read('x.ndjson', Buffer.from('{"a":"\xff"}\n', 'latin1')), /not valid UTF-8/)
  })
})
