import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textDigest } from '../../../src/audit/digest.ts'
import { Findings } from '../../../src/audit/findings.ts'
import { LastWrites, State } from '../../../src/audit/last-writes.ts'
import { Letters } from '../../../src/audit/letters.ts'
import { nearest } from '../../../src/audit/nearest.ts'

test('the table of last writes holds what a map would hold, also when it grows and forgets', async () => {
  const digestOf = await textDigest()
  const write = fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3 }), fc.boolean())
  const property = fc.property(fc.array(write, { maxLength: 6000, minLength: 10 }), (writes) => {
    const table = new LastWrites(10_000)
    const expected = new Map<string, { offset: bigint; deleted: boolean }>()
    writes.forEach(([key, partition, deleted], i) => {
      const value = deleted ? undefined : digestOf([`value ${i}`])
      assert.ok(table.put(digestOf([String(key)]), partition, BigInt(i), value))
      expected.set(`${key}/${partition}`, { offset: BigInt(i), deleted })
    })
    const check = () => {
      assert.equal(table.size, expected.size)
      for (const [name, { offset, deleted }] of expected) {
        const [key = '', partition] = name.split('/')
        const slot = table.find(digestOf([key]), Number(partition))
        assert.ok(slot >= 0)
        assert.equal(table.offsetAt(slot), offset)
        assert.equal(table.stateAt(slot), deleted ? State.absent : State.write)
        assert.equal(table.holds(slot, digestOf([`value ${offset}`])), !deleted)
      }
    }
    check()
    const even = ({ high }: { high: bigint }) => (high & 1n) === 0n
    table.retain(even)
    for (const name of [...expected.keys()])
      if (!even(digestOf([name.split('/')[0] ?? '']))) expected.delete(name)
    check()
    assert.equal([...table.slots()].length, expected.size)
  })
  fc.assert(property, { numRuns: 10 })
})

test('a full table of last writes takes new writes of its keys, and no new keys', async () => {
  const digestOf = await textDigest()
  const table = new LastWrites(2)
  assert.ok(table.put(digestOf(['a']), 0, 0n, digestOf(['1'])))
  assert.ok(table.put(digestOf(['a']), 1, 0n, digestOf(['1'])))
  assert.equal(table.put(digestOf(['b']), 0, 1n, digestOf(['1'])), false)
  assert.ok(table.put(digestOf(['a']), 0, 2n, undefined))
  assert.equal(table.size, 2)
})

test('digests tell null, the empty text and shifted columns apart', async () => {
  const digestOf = await textDigest()
  const texts = [[null], [''], ['null'], ['a', 'b'], ['ab', ''], ['a","b']].map((row) => {
    const { high, low } = digestOf(row)
    return `${high}:${low}`
  })
  assert.equal(new Set(texts).size, texts.length)
})

test('letters are found by their offset, whatever their number', async () => {
  const property = fc.asyncProperty(
    fc.uniqueArray(fc.nat({ max: 500 }), { maxLength: 300 }),
    async (offsets) => {
      const sorted = offsets.toSorted((a, b) => a - b)
      async function* pages() {
        for (let at = 0; at < sorted.length; at += 7)
          yield sorted
            .slice(at, at + 7)
            .map((offset) => ({ offset: BigInt(offset), replayed: offset % 2 === 0 }))
      }
      const letters = await Letters.read(pages())
      for (let offset = 0; offset <= 501; offset++) {
        const known = offset % 2 === 0 ? 'replayed' : 'pending'
        assert.equal(letters.at(BigInt(offset)), sorted.includes(offset) ? known : undefined)
      }
    },
  )
  await fc.assert(property, { numRuns: 50 })
})

test('a changed row is told from a lost and a foreign one by the columns that are the same', () => {
  const rows = [
    ['1', 'a', 'x'],
    ['2', 'b', 'y'],
  ]
  const origin = (row: readonly (string | null)[]) => nearest(row, rows, (values) => values)
  assert.deepEqual(origin(['2', 'b', null]), { candidate: rows[1], column: 2 })
  assert.equal(origin(['3', 'b', 'z']), undefined)
  // The same row is no changed one.
  assert.equal(origin(['1', 'a', 'x']), undefined)
})

test('findings are counted in full and shown up to the limit', () => {
  const findings = new Findings(2)
  assert.equal(findings.verdict(), 'ok')
  findings.addMany('behind', 0n)
  findings.addMany('behind', 7n, { detail: 'of 9', next: 'etl consume' })
  assert.equal(findings.verdict(), 'behind')
  for (let offset = 0n; offset < 5n; offset++) findings.add('lost', { partition: 1, offset })
  assert.equal(findings.verdict(), 'failed')
  assert.deepEqual(findings.list(), [
    {
      cause: 'behind',
      severity: 'behind',
      detail: 'lag: 7 (of 9)',
      count: 7n,
      examples: [],
      next: 'etl consume',
    },
    {
      cause: 'lost',
      severity: 'failed',
      detail: 'records that are neither a row nor a dead letter: 5',
      count: 5n,
      examples: [
        { partition: 1, offset: 0n },
        { partition: 1, offset: 1n },
      ],
    },
  ])
})
