import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { withLock } from '../../../src/stack/folder-lock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const nobody = () => assert.fail('there is nobody to wait for')

test('one at a time, and the lock is gone afterwards', async () => {
  const file = join(temporaryFolder(), 'sub', 'lock')
  let inside = 0
  let waited = 0
  const work = async (i: number) => {
    inside += 1
    assert.equal(inside, 1)
    await turn()
    inside -= 1
    return i
  }
  const runs = [0, 1, 2].map((i) =>
    withLock(
      file,
      () => work(i),
      () => (waited += 1),
    ),
  )
  assert.deepEqual(await Promise.all(runs), [0, 1, 2])
  assert(waited >= 1, 'those that had to wait said so')
  assert.equal(existsSync(file), false)
})

test('the lock is released when the work fails', async () => {
  const file = join(temporaryFolder(), 'lock')
  await assert.rejects(
    withLock(file, () => Promise.reject(new Error('no')), nobody),
    /no/,
  )
  assert.equal(await withLock(file, async () => 'yes', nobody), 'yes')
})

test('the lock of a process that is gone is taken over', async () => {
  const file = join(temporaryFolder(), 'lock')
  writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 'another boot/1' }))
  assert.equal(await withLock(file, async () => 'mine', nobody), 'mine')
})

test('so is one whose holder died before it wrote its name', async () => {
  const file = join(temporaryFolder(), 'lock')
  writeFileSync(file, '')
  assert.equal(await withLock(file, async () => 'mine', nobody), 'mine')
})
