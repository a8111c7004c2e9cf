import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exitCodeMeanings } from '../../../src/cli/exit-codes.ts'
import { ExitCode } from '../../../src/errors.ts'

test('docs/exit-codes.md lists every exit code, in order, with the meaning that the help gives', () => {
  const docs = readFileSync(new URL('../../../docs/exit-codes.md', import.meta.url), 'utf8')
  const rows = [...docs.matchAll(/^\| (\d+) \| `(\w+)` \| ([^|]+) \|/gm)].map(([, code, name, meaning]) => [
    Number(code),
    name,
    meaning?.trim(),
  ])
  assert.deepEqual(
    rows,
    Object.entries(ExitCode).map(([name, code]) => [code, name, exitCodeMeanings[code]]),
  )
})
