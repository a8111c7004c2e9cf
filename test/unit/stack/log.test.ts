import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { endOfLog, follow, lastWords, tail } from '../../../src/stack/log.ts'
import { temporaryFolder } from './temporary-folder.ts'

test('the last lines of any text are those that splitting the whole text gives', async () => {
  const file = join(temporaryFolder(), 'log')
  const line = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(40_000)))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.nat(8), fc.boolean(), async (parts, n, closed) => {
      const text = parts.join('\n') + (closed ? '\n' : '')
      writeFileSync(file, text)
      const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
      assert.deepEqual((await tail(file, n)).lines, n === 0 ? [] : lines.slice(-n))
    }),
    { numRuns: 60 },
  )
})

test('a log that is not there has no lines', async () => {
  assert.deepEqual(await tail(join(temporaryFolder(), 'none'), 5), { lines: [], size: 0 })
  assert.equal(await endOfLog(join(temporaryFolder(), 'none')), '    (empty)')
})

test("a Java program's last words are its messages, not the frames below them", async () => {
  const file = join(temporaryFolder(), 'log')
  const frames = Array.from({ length: 60 }, (_, i) => `\tat org.example.Main.f${i}(Main.java:${i})`)
  writeFileSync(
    file,
    ['ERROR before', 'Caused by: it is broken', ...frames, '\t... 12 more', 'Exiting', ''].join('\n'),
  )
  assert.deepEqual(await lastWords(file, 10), ['ERROR before', 'Caused by: it is broken', 'Exiting'])
})

test('follow gives what is added, and starts over when the file is a new one', async () => {
  const file = join(temporaryFolder(), 'log')
  writeFileSync(file, 'old\n')
  const stop = new AbortController()
  const texts = follow(file, 4, stop.signal)
  appendFileSync(file, 'added ü\n')
  assert.equal((await texts.next()).value, 'added ü\n')
  writeFileSync(file, 'new\n')
  assert.equal((await texts.next()).value, 'new\n')
  stop.abort()
  assert.equal((await texts.next()).done, true)
})
