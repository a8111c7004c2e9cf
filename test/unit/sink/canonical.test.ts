import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalDecimal, canonicalJson, canonicalNumber } from '../../../src/sink/canonical.ts'
import { storedText } from '../../../src/sink/sql/stored-text.ts'

test('decimals are one text for one number', () => {
  const cases = {
    '1.50': '1.5',
    '01.5': '1.5',
    '100': '100',
    '-0.00': '0',
    '.5': '0.5',
    '-10.0': '-10',
    NaN: 'NaN',
  }
  for (const [text, canonical] of Object.entries(cases)) assert.equal(canonicalDecimal(text), canonical)
})

test('JSON numbers are one text for one value, however they are written', () => {
  for (const text of ['1500', '1.50e3', '15E2', '1500.0', '0.0015e6'])
    assert.equal(canonicalNumber(text), '15e2')
  for (const text of ['0', '-0', '0.0', '0e5']) assert.equal(canonicalNumber(text), '0')
  assert.notEqual(canonicalNumber('9007199254740993'), canonicalNumber('9007199254740992'))
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(Number(canonicalNumber(String(value))), value + 0)
    }),
  )
})

test('JSON texts are one where they mean the same', () => {
  assert.equal(canonicalJson('{"b": [1.0, null], "a": "\\u00e4"}'), '{"a":"ä","b":[1e0,null]}')
  assert.equal(
    canonicalJson('{"__proto__": 1, "10": 2, "2": 12345678901234567890}'),
    '{"10":2e0,"2":1234567890123456789e1,"__proto__":1e0}',
  )
  fc.assert(
    fc.property(fc.json(), (text) => {
      const canonical = canonicalJson(text)
      assert.equal(canonicalJson(canonical), canonical)
      assert.equal(canonicalJson(JSON.stringify(JSON.parse(text), null, 2)), canonical)
    }),
  )
})

test('both databases give one text for one value', () => {
  const same = (type: Parameters<typeof storedText>[0], texts: readonly string[], canonical: string) => {
    for (const text of texts) assert.equal(storedText(type)(text), canonical)
  }
  same({ kind: 'boolean' }, ['t', '1'], 'true')
  same({ kind: 'boolean' }, ['f', '0'], 'false')
  same({ kind: 'float32' }, ['0.1', '0.10000000149011612'], '0.10000000149011612')
  same({ kind: 'float64' }, ['1e+21', '1e21', '1000000000000000000000'], '1e+21')
  same({ kind: 'float64' }, ['-0'], '-0')
  same({ kind: 'bytes' }, ['00FF', '00ff'], '00ff')
  same({ kind: 'time' }, ['01:02:03', '01:02:03.000000'], '01:02:03')
  const timestamp = { kind: 'timestamp', zoned: true, precision: 6 } as const
  same(timestamp, ['2024-01-31 01:02:03.5', '2024-01-31 01:02:03.500000'], '2024-01-31 01:02:03.5')
  same(timestamp, ['2024-01-31 00:00:00', '2024-01-31 00:00:00.000000'], '2024-01-31 00:00:00')
  same(timestamp, ['0044-03-15 00:00:00.100 BC'], '0044-03-15 00:00:00.1 BC')
  same(timestamp, ['infinity'], 'infinity')
  same({ kind: 'json' }, ['{"a":1,"b":2}', '{"b": 2, "a": 1.0}'], '{"a":1e0,"b":2e0}')
  same({ kind: 'json' }, ['{no json'], '{no json')
})
