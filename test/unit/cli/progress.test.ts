import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { progressLine } from '../../../src/cli/progress.ts'

function stream(isTTY: boolean, columns?: number) {
  const written: string[] = []
  return { isTTY, columns, write: (text: string) => written.push(text), written }
}

/** What a terminal shows in its last line after the writes. */
function lastLine(written: readonly string[]): string {
  const line: string[] = []
  let at = 0
  for (const char of written.join('').split('\n').at(-1) ?? '') {
    if (char === '\r') at = 0
    else line[at++] = char
  }
  return line.join('').trimEnd()
}

describe('progress line', () => {
  it('draws over itself on a terminal, never beyond 79 columns, without escape codes', () => {
    const out = stream(true, 200)
    let now = 0
    const line = progressLine(out, () => now)
    line.update('x'.repeat(100))
    assert.equal(lastLine(out.written).length, 79)
    now += 100
    line.update('short')
    assert.equal(lastLine(out.written), 'short')
    line.print('a line of its own')
    assert.equal(lastLine(out.written), 'short')
    assert.match(out.written.join(''), /\ra line of its own\n\rshort/)
    line.done()
    assert.equal(lastLine(out.written), '')
    assert.ok(!out.written.join('').includes('\u001b'))
  })

  it('leaves out updates that come too fast', () => {
    const out = stream(true)
    let now = 0
    const line = progressLine(out, () => now)
    line.update('first')
    now += 99
    line.update('second')
    assert.equal(lastLine(out.written), 'first')
  })

  it('is a line each ten seconds where nobody watches', () => {
    const out = stream(false)
    let now = 0
    const line = progressLine(out, () => now)
    for (; now <= 25_000; now += 100) line.update(`at ${now}`)
    line.done()
    assert.deepEqual(out.written, ['at 10000\n', 'at 20000\n'])
  })
})
