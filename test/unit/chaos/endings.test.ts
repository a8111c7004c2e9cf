import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Endings } from '../../../src/chaos/endings.ts'

test('undoes in reverse order, also after a failure, and at once what comes too late', async () => {
  const done: string[] = []
  const notes: string[] = []
  const endings = new Endings((text) => notes.push(text))
  endings.add(async () => done.push('first'))
  endings.add(async () => {
    throw new Error('cannot be undone')
  })
  endings.add(async () => done.push('last'))
  await endings.run()
  assert.deepEqual(done, ['last', 'first'])
  assert.deepEqual(notes, ['while ending: cannot be undone'])
  endings.add(async () => done.push('late'))
  assert.deepEqual(done, ['last', 'first', 'late'])
})
