import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { InputError } from '../../../src/errors.ts'
import {
  type JsonNumber,
  type JsonObject,
  jsonText,
  parseJson,
  plainJson,
} from '../../../src/schema/json-text.ts'

const origin = { where: 'x.json' }

suite('JSON text', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        assert.deepEqual(JSON.parse(jsonText(parseJson(text, origin))), JSON.parse(text))
      }),
    )
  })

  test('accepts and refuses the same texts as JSON.parse', () => {
    const alphabet = fc.constantFrom(...'{}[]",:0123-+.eE \n\t\\u', 'true', 'null', '"a"', '\u0001')
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        assert.equal(
          succeeds(() => parseJson(text, origin)),
          succeeds(() => JSON.parse(text)),
          text,
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('keeps the text of numbers, the order of keys and a key __proto__', () => {
    const text = '{"10":9007199254740993,"2":1.0,"__proto__":{"a":1e400}}'
    const json = parseJson(text, origin) as JsonObject
    assert.deepEqual([...json.keys()], ['10', '2', '__proto__'])
    assert.equal((json.get('2') as JsonNumber).text, '1.0')
    assert.equal(jsonText(json), text)
  })

  test('integers beyond 2^53 become bigint', () => {
    assert.equal(plainJson(parseJson('9007199254740993', origin)), 9007199254740993n)
    assert.equal(plainJson(parseJson('-12', origin)), -12)
  })

  const broken: [text: string, where: string, reason: RegExp][] = [
    ['{"a": 1,\n "b" 2}', 'x.json:2:6', /expected ":".*found "2"/],
    ['[1, 2', 'x.json:1:6', /the text ends/],
    ['{"a": "b\nc"}', 'x.json:1:9', /control character/],
    ['{"a": 01}', 'x.json:1:8', /bad number/],
    ['"abc', 'x.json:1:1', /no closing quote/],
    ['nul', 'x.json:1:1', /expected a value/],
    ['{} {}', 'x.json:1:4', /end of the text/],
    ['["\\q"]', 'x.json:1:2', /bad escape/],
    ['['.repeat(600), 'x.json:1:513', /deeper than 512/],
  ]
  for (const [text, where, reason] of broken) {
    test(`names the place in ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(
        () => parseJson(text, origin),
        (error: InputError) => {
          assert.ok(error instanceof InputError)
          assert.equal(error.where, where)
          assert.match((error.cause as Error).message, reason)
          return true
        },
      )
    })
  }

  test('counts lines and columns from where the text begins', () => {
    assert.throws(() => parseJson('{]', { where: 'f', line: 7, column: 5 }), { where: 'f:7:6' })
    assert.throws(() => parseJson('{\n]', { where: 'f', line: 7, column: 5 }), { where: 'f:8:1' })
  })
})

function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
