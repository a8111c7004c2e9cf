import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addressMap } from '../../../src/config/address-map.ts'

suite('kafka.addressMap', () => {
  test('comes from etl.yaml, and over it from ETL_KAFKA_ADDRESS_MAP', () => {
    assert.equal(addressMap(undefined, undefined), undefined)
    assert.equal(addressMap({}, ''), undefined)
    const file = { 'broker1:9092': 'localhost:19092', 'broker2:9092': 'localhost:19093' }
    assert.deepEqual(addressMap(file, ''), file)
    assert.deepEqual(addressMap(file, 'broker2:9092=[::1]:1, broker3:9092=127.0.0.1:2'), {
      'broker1:9092': 'localhost:19092',
      'broker2:9092': '[::1]:1',
      'broker3:9092': '127.0.0.1:2',
    })
  })

  test('what is no pair of addresses is refused, with what it is and an example', () => {
    for (const text of ['broker1', 'broker1:9092', 'broker1:9092=', 'a:1=b:2=c:3', 'a=b', 'a:1=http://b:2'])
      assert.throws(() => addressMap(undefined, text), {
        code: 'bad_config',
        where: 'ETL_KAFKA_ADDRESS_MAP',
        next: /^ETL_KAFKA_ADDRESS_MAP=broker1:9092=/,
      })
    assert.throws(() => addressMap({ broker1: 'localhost:1' }, ''), { where: 'kafka.addressMap' })
  })
})
