import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { suite, test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { parseAddress } from '../../../src/kafka/cluster/address.ts'
import { repairRequestQueue } from '../../../src/kafka/kafkajs/request-queue.ts'
import type { RequestQueue } from '../../../src/kafka/kafkajs/types.ts'

const require = createRequire(import.meta.url)

suite('kafkajs', () => {
  test('the file that request-queue.ts repairs is the one that was looked at', () => {
    const path = require.resolve('kafkajs/src/network/requestQueue/index.js')
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex')
    assert.equal(
      hash,
      'b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c',
      'kafkajs changed: read the new file and adapt the repair',
    )
  })

  test('a queue without pending requests has no timer', () => {
    const queue = queueWith([])
    queue.scheduleCheckPendingRequests()
    assert.equal(queue.throttleCheckTimeoutId, null)
  })

  test('pending requests are looked at again, once', async () => {
    const checked = Promise.withResolvers<void>()
    const queue = queueWith([{}], () => checked.resolve())
    queue.scheduleCheckPendingRequests()
    const timer = queue.throttleCheckTimeoutId
    queue.scheduleCheckPendingRequests()
    assert.notEqual(timer, null)
    assert.equal(queue.throttleCheckTimeoutId, timer)
    await checked.promise
    assert.equal(queue.throttleCheckTimeoutId, null)
  })
})

function queueWith(pending: unknown[], check = () => {}): RequestQueue {
  const queue: RequestQueue = {
    pending,
    throttledUntil: -1,
    throttleCheckTimeoutId: null,
    checkPendingRequests: check,
    scheduleCheckPendingRequests: () => {},
  }
  repairRequestQueue(queue)
  return queue
}

suite('broker address', () => {
  test('host, port and IPv6', () => {
    assert.deepEqual(parseAddress('kafka:9093'), { host: 'kafka', port: 9093 })
    assert.deepEqual(parseAddress('kafka.example.com'), { host: 'kafka.example.com', port: 9092 })
    assert.deepEqual(parseAddress('[::1]:19092'), { host: '::1', port: 19092 })
  })

  test('anything else is a configuration error', () => {
    for (const text of ['', 'a:b', 'http://kafka:9092', 'kafka:99999', '::1:9092']) {
      assert.throws(() => parseAddress(text), ConfigError, text)
    }
  })
})
