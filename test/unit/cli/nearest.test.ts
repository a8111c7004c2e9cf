import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, nearest } from '../../../src/cli/nearest.ts'

const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c', '-') })

test('editDistance is 0 only for equal words, symmetric, and at most the longer length', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      const edits = editDistance(a, b)
      assert.equal(edits === 0, a === b)
      assert.equal(edits, editDistance(b, a))
      assert.ok(edits <= Math.max(a.length, b.length))
    }),
  )
})

test('each kind of slip counts as one edit', () => {
  for (const typed of ['shcema', 'schem', 'schemaa', 'schoma']) assert.equal(editDistance(typed, 'schema'), 1)
})

test('nearest names what was meant, and nothing when nothing comes near', () => {
  assert.equal(nearest('topc', ['table', 'topic', 'group']), 'topic')
  assert.equal(nearest('verify-ofsets', ['verify-offsets', 'offsets list']), 'verify-offsets')
  assert.equal(nearest('zzz', ['table', 'topic']), undefined)
})
