import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { listensOn } from '../../../src/stack/listener.ts'

test('a port belongs to the process that listens on it, and to no other', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const told = process.platform === 'linux'
  assert.equal(await listensOn(process.pid, port), told ? true : undefined)
  assert.notEqual(await listensOn(process.ppid, port), true)
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await listensOn(process.pid, port), told ? false : undefined)
})
