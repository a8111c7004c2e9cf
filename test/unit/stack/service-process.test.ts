import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import {
  endProcess,
  isRunning,
  type ProcessId,
  processStartTime,
} from '../../../src/stack/service-process.ts'

/** A process of ours that lives until it is ended; resolves when its script runs. */
async function start(script: string): Promise<{ id: ProcessId; exit: Promise<string> }> {
  const child = spawn(process.execPath, ['-e', `${script}; setInterval(() => {}, 1000); console.log('up')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? String(code)))
  })
  await once(child.stdout, 'data')
  const pid = child.pid as number
  const startTime = await processStartTime(pid)
  assert(startTime)
  return { id: { pid, startTime }, exit }
}

test('a start time belongs to one process and does not change', async () => {
  const { id } = await start('')
  assert.equal(await processStartTime(id.pid), id.startTime)
  assert.notEqual(await processStartTime(process.pid), id.startTime)
  assert.equal(await isRunning(id), true)
})

test('a number that no process has is not running', async () => {
  assert.equal(await processStartTime(2 ** 22 + 1), undefined)
})

test('a process is ended by the signal that was asked for', async () => {
  const { id, exit } = await start('')
  assert.equal(await endProcess(id, 'SIGINT', 10_000), 'ended')
  assert.equal(await exit, 'SIGINT')
  assert.equal(await isRunning(id), false)
  assert.equal(await endProcess(id, 'SIGTERM', 10_000), 'gone')
})

test('one that does not listen is killed', async () => {
  const { id, exit } = await start("process.on('SIGTERM', () => {})")
  assert.equal(await endProcess(id, 'SIGTERM', 200), 'killed')
  assert.equal(await exit, 'SIGKILL')
})

test('another process that got the same number is left alone', async () => {
  const { id } = await start('')
  assert.equal(await endProcess({ pid: id.pid, startTime: 'before/1' }, 'SIGKILL', 1000), 'gone')
  assert.equal(await isRunning(id), true)
})
