import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { root } from '../../../bin/sources.ts'

/** `file › name of a test`: what holds a line of docs/kafka-client.md. */
const citations = /`(test\/[^`›]+?) › ([^`]+)`/g

suite('docs/kafka-client.md', () => {
  const page = readFileSync(join(root, 'docs/kafka-client.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| (\d+|) ?\| /.test(line))

  test('answers all fourteen findings, each with a test', () => {
    const numbers = rows.flatMap((row) => /^\| (\d+) /.exec(row)?.[1] ?? [])
    assert.deepEqual(
      numbers,
      Array.from({ length: 14 }, (_, i) => String(i + 1)),
    )
  })

  for (const [, file = '', name = ''] of page.matchAll(citations)) {
    test(`${file} › ${name}`, () => {
      // As it is written in the source: quotes may be escaped there, and names may be continued.
      assert(readFileSync(join(root, file), 'utf8').includes(name))
    })
  }
})
