import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { BadFile } from '../../../src/engine/produce/bad-file.ts'
import { fileNames, generatedName } from '../../../src/engine/produce/resumable-input.ts'
import { UsageError } from '../../../src/errors.ts'

describe('names of resumable inputs', () => {
  const dir = mkdtempSync(join(tmpdir(), 'etl-names-'))
  after(() => rmSync(dir, { recursive: true }))
  const file = (name: string) => {
    writeFileSync(join(dir, name), '')
    return join(dir, name)
  }
  const idsOf = async (...paths: string[]) =>
    (await fileNames(paths, 'flights', undefined)).map(({ id }) => id)

  it('a file has one name, however it is reached and whatever stands beside it in the list', async () => {
    const [a, b] = [file('a b.ndjson'), file('b.ndjson')]
    symlinkSync(a, join(dir, 'link'))
    const [first] = await idsOf(a)
    assert.match(String(first), /^etl-produce-flights-a_b\.ndjson-[0-9a-f]{12}$/)
    assert.deepEqual(await idsOf(join(dir, 'link')), [first])
    assert.deepEqual(await idsOf(join(dir, '.', 'a b.ndjson')), [first])
    assert.equal((await idsOf(b, a))[1], first)
  })

  it('files of one base name in different folders have different names', async () => {
    mkdirSync(join(dir, 'sub'))
    const [x, y] = await idsOf(file('same'), file('sub/same'))
    assert.notEqual(x, y)
  })

  it('a given name takes the place of path and seed', async () => {
    assert.equal((await fileNames([file('c')], 'flights', 'daily'))[0]?.id, 'etl-produce-flights-daily')
    assert.equal(generatedName('flights', 7, 'daily').id, 'etl-produce-flights-daily')
    assert.equal(generatedName('flights', 7, undefined).id, 'etl-produce-flights-generate-7')
  })

  it('what cannot be read again has none', async () => {
    const device = '/dev/null'
    const d = file('d')
    const cases: [string[], string | undefined, RegExp][] = [
      [['-'], undefined, /stdin is not resumable/],
      [[d, '-'], undefined, /stdin is not resumable/],
      [[device], undefined, /only a file is resumable/],
      [[dir], undefined, /only a file is resumable/],
      [[join(dir, 'none')], undefined, /cannot be opened/],
      [[d, d], undefined, /named once only/],
      [[d, device], 'x', /names one input/],
    ]
    for (const [paths, resumeId, message] of cases) {
      const naming = fileNames(paths, 'flights', resumeId)
      await assert.rejects(naming, UsageError)
      await assert.rejects(naming, message)
    }
  })

  it('a bad-record file is cut back to what is done with, and begun anew when it is not the old one', async () => {
    const path = join(dir, 'bad')
    const bad = { input: 'in', line: 1, column: undefined, field: 'f', reason: 'r', raw: Buffer.from('x') }
    const first = await BadFile.open(path, [], 0)
    await first.write([bad])
    const kept = first.bytes
    await first.write([bad, bad])
    await first.close()
    const second = await BadFile.open(path, [], kept)
    assert.equal(second.bytes, kept)
    await second.write([bad])
    assert.equal(second.bytes, 2 * kept)
    await second.close()
    const third = await BadFile.open(path, [], 2 * kept + 1)
    assert.equal(third.bytes, 0)
    await third.close()
  })
})
