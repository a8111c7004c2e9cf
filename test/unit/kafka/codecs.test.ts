import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils/bundled'
import fc from 'fast-check'
import { codecOf, compress, decompress } from '../../../src/kafka/codecs/codec.ts'
import { CorruptBatchError } from '../../../src/kafka/errors.ts'
import type { Compression } from '../../../src/kafka/producer.ts'

const codecs: Compression[] = ['gzip', 'snappy', 'lz4', 'zstd']

/** Compressible and not, around the sizes of blocks. */
const data = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((array) => Buffer.from(array)),
  fc
    .tuple(fc.integer({ min: 1, max: 200_000 }), fc.string({ minLength: 1 }))
    .map(([n, s]) => Buffer.alloc(n, s)),
)

suite('codecs', () => {
  for (const codec of codecs) {
    test(`${codec}: there and back`, () => {
      fc.assert(
        fc.property(data, (bytes) => {
          assert(decompress(codec, compress(codec, bytes), 1 << 20).equals(bytes))
        }),
        { numRuns: 50 },
      )
    })

    test(`${codec}: what was given out is not overwritten by the next call`, () => {
      const first = decompress(codec, compress(codec, Buffer.alloc(10_000, 'first')), 1 << 20)
      const kept = Buffer.from(first)
      for (let i = 0; i < 20; i++)
        decompress(codec, compress(codec, Buffer.alloc(10_000 + i, 'later')), 1 << 20)
      assert(first.equals(kept))
    })

    test(`${codec}: data that is cut off is refused`, () => {
      const bytes = compress(codec, Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * i) & 0xff)))
      for (const length of [1, 5, bytes.length >> 1, bytes.length - 1]) {
        assert.throws(
          () => decompress(codec, bytes.subarray(0, length), 1 << 20),
          CorruptBatchError,
          `${length}`,
        )
      }
    })

    test(`${codec}: other data is refused`, () => {
      assert.throws(() => decompress(codec, Buffer.from('no codec writes this'), 1 << 20), CorruptBatchError)
    })
  }

  const bomb = Buffer.alloc(50_000_000)
  const bombs: [Compression, Buffer][] = [
    ['gzip', gzipSync(bomb)],
    ['zstd', zstdCompressSync(bomb)],
    ['lz4', lz4Compress(bomb)],
    ['snappy', snappyCompress(bomb)],
    ['snappy', compress('snappy', bomb)],
  ]
  for (const [codec, bytes] of bombs) {
    test(`${codec}: ${bytes.length} bytes that become 50 MB stop at the limit`, () => {
      assert.throws(() => decompress(codec, bytes, 10_000_000), CorruptBatchError)
      assert.equal(decompress(codec, bytes, 51_000_000).length, bomb.length)
    })
  }

  test('snappy: a raw block, as some clients write it, is read', () => {
    const bytes = Buffer.from('some text, some text, some text')
    assert(decompress('snappy', snappyCompress(bytes), 1 << 20).equals(bytes))
  })

  test('an unknown codec is refused', () => {
    assert.throws(() => codecOf(5), CorruptBatchError)
  })
})
