import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { BadFile } from '../../../src/engine/produce/bad-file.ts'
import { UnexpectedError, UsageError } from '../../../src/errors.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etl-bad-'))
})
after(() => rm(folder, { recursive: true }))

const bad = (raw: Uint8Array, line: number) => ({
  input: 'in.csv',
  line,
  column: undefined,
  field: 'a.b',
  reason: 'no',
  raw,
})

describe('bad-record file', () => {
  it('holds one object a record, with the record as it was', async () => {
    const path = join(folder, 'bad.ndjson')
    await writeFile(path, 'from an earlier run')
    const file = await BadFile.open(path, [])
    await file.write([bad(Buffer.from('1,"ö\n"'), 2)])
    await file.write([{ ...bad(Buffer.of(0xff, 0x31), 4), column: 7 }])
    await file.close()
    const lines = (await readFile(path, 'utf8')).trim().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        { input: 'in.csv', line: 2, field: 'a.b', reason: 'no', raw: '1,"ö\n"' },
        { input: 'in.csv', line: 4, column: 7, field: 'a.b', reason: 'no', rawBase64: '/zE=' },
      ],
    )
  })

  it('never overwrites an input, by whatever name', async () => {
    const input = join(folder, 'in.csv')
    await writeFile(input, 'a\n1\n')
    await symlink(input, join(folder, 'link'))
    await assert.rejects(BadFile.open(join(folder, 'link'), ['-', input]), UsageError)
    assert.equal(await readFile(input, 'utf8'), 'a\n1\n')
  })

  it('says that it cannot be written', async () => {
    await assert.rejects(BadFile.open(join(folder, 'none', 'bad'), []), UsageError)
  })

  it('says that the disk is full', async () => {
    const file = await BadFile.open('/dev/full', [])
    await assert.rejects(file.write([bad(Buffer.from('1'), 1)]), (error) => {
      assert.ok(error instanceof UnexpectedError)
      assert.match(error.message, /disk of the bad-record file is full/)
      return true
    })
    await file.close()
  })
})
