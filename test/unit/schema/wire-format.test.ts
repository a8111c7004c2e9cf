import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { InputError } from '../../../src/errors.ts'
import {
  decodeWireFormat,
  encodeWireFormat,
  schemaIdOf,
  writeWireHeader,
} from '../../../src/schema/wire-format.ts'

suite('wire format', () => {
  test('magic byte, id in big-endian, payload', () => {
    assert.equal(encodeWireFormat(0x01020304, Buffer.from('ab')).toString('hex'), '00010203046162')
    const { schemaId, payload } = decodeWireFormat(Buffer.from('00010203046162', 'hex'))
    assert.equal(schemaId, 0x01020304)
    assert.equal(Buffer.from(payload).toString(), 'ab')
  })

  test('ids beyond 31 bits stay positive', () => {
    assert.equal(schemaIdOf(encodeWireFormat(0xffffffff, Buffer.alloc(0))), 0xffffffff)
  })

  test('the header goes to an offset of a larger buffer', () => {
    const buffer = Buffer.alloc(8, 0xee)
    writeWireHeader(buffer, 7, 2)
    assert.equal(buffer.toString('hex'), 'eeee0000000007ee')
  })

  test('other bytes are refused', () => {
    assert.throws(
      () => schemaIdOf(Buffer.from('{"a":1}')),
      (e) => e instanceof InputError && /byte 123/.test(e.message),
    )
    assert.throws(() => schemaIdOf(Buffer.from([0, 0, 0, 1])), /4 bytes/)
    assert.throws(() => schemaIdOf(Buffer.alloc(0)), /0 bytes/)
  })
})
