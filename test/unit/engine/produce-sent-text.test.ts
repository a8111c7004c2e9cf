import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkFlags,
  fromStoredPlace,
  type Position,
  type PositionRecord,
  toStoredPlace,
} from '../../../src/engine/produce/position.ts'
import { SentText, type TextMark, TextTrail, textDigest } from '../../../src/engine/produce/sent-text.ts'
import { ConfigError } from '../../../src/errors.ts'
import { BOUNDS_PER_RECORD } from '../../../src/source/file/bounds.ts'
import { type Chunk, cutChunks } from '../../../src/source/file/chunks.ts'

async function chunksOf(text: string, chunkBytes: number, blockBytes: number): Promise<Chunk[]> {
  const bytes = Buffer.from(text)
  const blocks = Array.from({ length: Math.ceil(bytes.length / blockBytes) }, (_, i) =>
    bytes.subarray(i * blockBytes, (i + 1) * blockBytes),
  )
  const input = {
    name: 'in',
    text: { format: 'ndjson', delimiter: ',' } as const,
    blocks: Readable.from(blocks, { objectMode: false }),
    idle: () => false,
    close: () => {},
    fractionRead: () => undefined,
  }
  const chunks: Chunk[] = []
  for await (const chunk of cutChunks(input, { chunkBytes })) chunks.push(chunk)
  return chunks
}

interface Cut {
  readonly marks: readonly TextMark[]
  readonly records: number
}

/** Marks as a run stores them that stops after `records` records of a text: whole chunks, then a part of one. */
async function cutAfter(text: string, records: number, sizes: [chunk: number, block: number]): Promise<Cut> {
  const trail = new TextTrail()
  let before = 0
  let marks: readonly TextMark[] = []
  for (const chunk of await chunksOf(text, ...sizes)) {
    const count = chunk.bounds.length / BOUNDS_PER_RECORD
    const { start, end } = trail.pass(chunk, count)
    if (before + count > records) {
      const part = records - before
      if (part === 0) break
      const bytes = chunk.bounds[(part - 1) * BOUNDS_PER_RECORD + 1] as number
      const digest = textDigest(chunk.bytes.subarray(0, bytes))
      marks = [start, { at: start.at + bytes, digest }]
      break
    }
    if (count > 0) marks = [end]
    before += count
  }
  return { marks, records }
}

/** The records that a later run finds to be sent already. */
async function sentOf(
  text: string,
  { marks, records }: Cut,
  sizes: [chunk: number, block: number],
): Promise<number> {
  const sent = new SentText(marks, records)
  let count = 0
  for (const chunk of await chunksOf(text, ...sizes)) count += sent.sentIn(chunk)
  sent.ended('in')
  return count
}

const line = fc.oneof(
  fc.json({ noUnicodeString: false }).map((json) => json.replaceAll('\n', ' ')),
  fc.constant(''),
)
const lines = fc.array(line, { minLength: 1, maxLength: 12 })
const sizes = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 40 }))
const recordsIn = (all: readonly string[]) => all.filter((one) => one.trim() !== '').length

describe('text that was sent', () => {
  it('is found again however chunks and blocks fall, with more text after it', async () => {
    await fc.assert(
      fc.asyncProperty(lines, lines, fc.nat(), sizes, sizes, async (all, more, stop, first, second) => {
        const text = `${all.join('\n')}\n`
        const records = stop % (recordsIn(all) + 1)
        const cut = await cutAfter(text, records, first)
        assert.equal(await sentOf(`${text}${more.join('\n')}`, cut, second), records)
      }),
    )
  })

  it('does not pass when one byte of it is another one, is left out, or is too many', async () => {
    const change = fc.constantFrom('replace', 'remove', 'insert')
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.nat(),
        fc.nat(),
        change,
        sizes,
        sizes,
        async (all, stop, where, how, first, second) => {
          const text = `${all.join('\n')}\n`
          const cut = await cutAfter(text, stop % (recordsIn(all) + 1), first)
          const end = cut.marks.at(-1)?.at ?? 0
          fc.pre(end > 0)
          const bytes = Buffer.from(text)
          const at = where % end
          const byte = bytes[at] === 0x37 ? '8' : '7'
          const [keep, from] =
            how === 'replace' ? [byte, at + 1] : how === 'remove' ? ['', at + 1] : ['7', at]
          const other = Buffer.concat([bytes.subarray(0, at), Buffer.from(keep), bytes.subarray(from)])
          fc.pre(!other.subarray(0, end).equals(bytes.subarray(0, end)))
          await assert.rejects(sentOf(other.toString('latin1'), cut, second), ConfigError)
        },
      ),
    )
  })

  it('does not pass when the last record that was sent is longer now', async () => {
    const cut = await cutAfter('1\n2', 2, [100, 100])
    assert.equal(await sentOf('1\n2\n3', cut, [100, 100]), 2)
    await assert.rejects(sentOf('1\n23', cut, [100, 100]), /was changed in the part/)
  })
})

describe('stored position', () => {
  const plain = { noNullPrototype: true }
  const position: fc.Arbitrary<Position> = fc.record(
    {
      records: fc.nat(),
      bad: fc.nat(),
      text: fc.array(fc.record({ at: fc.nat(), digest: fc.string({ maxLength: 22 }) }, plain), {
        maxLength: 2,
      }),
      badFile: fc.option(fc.record({ path: fc.string({ unit: 'binary' }), bytes: fc.nat() }, plain), {
        nil: undefined,
      }),
    },
    plain,
  )
  const flags = fc.dictionary(
    fc.string().filter((name) => name !== '__proto__'),
    fc.string(),
  )
  const record: fc.Arbitrary<PositionRecord> = fc.record({ position, flags, topicId: fc.string() })

  it('comes back as it went', () => {
    fc.assert(
      fc.property(record, (stored) => {
        const back = fromStoredPlace(toStoredPlace(stored), 'id')
        assert.deepEqual(back.position, stored.position)
        assert.deepEqual({ ...back.flags }, { ...stored.flags })
        assert.equal(back.topicId, stored.topicId)
      }),
    )
  })

  it('of another program or version is refused', () => {
    for (const metadata of ['', 'x', '[]', 'null', '{"v":2}'])
      assert.throws(
        () => fromStoredPlace({ offset: 1n, metadata }, 'group-1'),
        /group-1|cannot|version of etl/,
      )
  })

  it('names the flag that differs', () => {
    checkFlags({ key: 'a', seed: '1' }, { seed: '1', key: 'a' }, 'in')
    assert.throws(() => checkFlags({ key: 'a' }, { key: 'b' }, 'in'), /--key "b".*--key "a"/)
    assert.throws(() => checkFlags({ key: 'a' }, {}, 'in'), /no --key.*--key "a"/)
    assert.throws(() => checkFlags({ key: '' }, { key: 'a' }, 'in'), /--key "a".*no --key/)
  })
})
