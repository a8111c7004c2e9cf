import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { root } from '../../../bin/sources.ts'

/** `file › name of a test`, as docs/guarantee.md names what holds a claim. */
const citation = /`(test\/[^`›]+?) › ([^`]+)`/g
const page = readFileSync(join(root, 'docs/guarantee.md'), 'utf8')

suite('docs/guarantee.md', () => {
  const cited = [...page.matchAll(citation)].map(([, file, name]) => ({ file: file ?? '', name: name ?? '' }))

  test('names a test for every line of its tables', () => {
    const rows = page.split('\n').filter((line) => /^\| (?!what \||fault \|)/.test(line))
    assert.ok(rows.length > 20)
    for (const row of rows) assert.match(row, new RegExp(citation.source), row)
  })

  test('names tests that exist', () => {
    const missing = cited.filter(({ file, name }) => !readFileSync(join(root, file), 'utf8').includes(name))
    assert.deepEqual(missing, [])
  })
})
