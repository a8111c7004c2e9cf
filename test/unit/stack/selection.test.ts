import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { UsageError } from '../../../src/errors.ts'
import { isFree, pickPort } from '../../../src/stack/ports.ts'
import { parsePorts, parseServices } from '../../../src/stack/selection.ts'

test('services come once each, in their usual order; all when none is named', () => {
  assert.deepEqual(parseServices([]), ['kafka', 'registry', 'mysql', 'postgres'])
  assert.deepEqual(parseServices(['postgres', ' kafka', 'postgres', '']), ['kafka', 'postgres'])
  assert.throws(() => parseServices(['oracle']), UsageError)
})

test('ports are SERVICE=PORT', () => {
  assert.deepEqual(parsePorts(['kafka=19092', 'mysql=1']), { kafka: 19_092, mysql: 1 })
  for (const bad of [
    'kafka',
    'kafka=',
    'kafka=0',
    'kafka=65536',
    'kafka=1=2',
    'oracle=1',
    'kafka=-1',
    'kafka=1.5',
  ]) {
    assert.throws(() => parsePorts([bad]), UsageError, bad)
  }
})

test('a port that is taken, or promised to another service, is not picked', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    assert.equal(await isFree(port), false)
    const taken = new Set([port + 1])
    const picked = await pickPort(port, taken)
    assert(picked > port + 1)
    assert(taken.has(picked))
  } finally {
    server.close()
  }
})
