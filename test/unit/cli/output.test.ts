import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonText } from '../../../src/cli/output.ts'

test('a bigint is a JSON number with all its digits', () => {
  assert.equal(
    jsonText({ offset: 9223372036854775807n, lag: -1n }),
    '{\n  "offset": 9223372036854775807,\n  "lag": -1\n}',
  )
})

test('everything else is as JSON.stringify writes it', () => {
  const document = { a: [1, null, 'ü€😀'], at: new Date(0), gone: undefined }
  assert.equal(jsonText(document), JSON.stringify(document, undefined, 2))
})
