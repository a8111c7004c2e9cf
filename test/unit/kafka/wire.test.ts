import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WireReader, WireWriter } from '../../../src/kafka/protocol/wire.ts'

describe('wire writer', () => {
  it('writes the same bytes into a buffer that grows as into one that is large enough', () => {
    const step = fc.oneof(
      fc.integer({ min: -128, max: 127 }).map((n) => (w: WireWriter) => w.int8(n)),
      fc.integer({ min: -32768, max: 32767 }).map((n) => (w: WireWriter) => w.int16(n)),
      fc.integer().map((n) => (w: WireWriter) => w.int32(n)),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => (w: WireWriter) => w.int64(n)),
      fc.nat().map((n) => (w: WireWriter) => w.uvarint(n)),
      fc.string().map((text) => (w: WireWriter) => w.string(text)),
      fc.string().map((text) => (w: WireWriter) => w.compactString(text)),
      fc.uint8Array().map((bytes) => (w: WireWriter) => w.bytes(Buffer.from(bytes))),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const growing = new WireWriter(1)
        const large = new WireWriter(100_000)
        for (const write of steps) {
          write(growing)
          write(large)
        }
        assert.deepEqual(growing.buffer, large.buffer)
      }),
    )
  })

  it('writes varints that the reader gives back', () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        assert.equal(new WireReader(new WireWriter(1).uvarint(n).buffer).uvarint(), n)
      }),
    )
  })
})
