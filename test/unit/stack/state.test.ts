import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { stackDirectory } from '../../../src/stack/stack-folder.ts'
import {
  findStateFile,
  readStackState,
  type StackState,
  stateFile,
  writeStackState,
} from '../../../src/stack/state.ts'
import { temporaryFolder } from './temporary-folder.ts'

const state: StackState = {
  version: 1,
  services: {
    kafka: {
      pid: 12,
      startTime: 'boot/34',
      port: 9092,
      log: '/x/kafka.log',
      data: '/x/kafka',
      brokers: ['127.0.0.1:9092'],
      controllerPort: 9093,
    },
  },
}

function withEnvironment(name: string, value: string | undefined, work: () => void): void {
  const before = process.env[name]
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
  try {
    work()
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}

test('what was written is read back, and only its owner may read it', () => {
  const dir = temporaryFolder()
  writeStackState(dir, state)
  assert.deepEqual(readStackState(dir), state)
  assert.equal(statSync(stateFile(dir)).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dirname(stateFile(dir))), ['stack.json'], 'no draft is left')
})

test('a folder without a stack has no state', () => {
  assert.equal(readStackState(temporaryFolder()), undefined)
})

test('the file goes with the last service', () => {
  const dir = temporaryFolder()
  writeStackState(dir, state)
  writeStackState(dir, { version: 1, services: {} })
  assert.equal(existsSync(stateFile(dir)), false)
})

test('the nearest stack upwards is found, but none outside of the git work tree', () => {
  withEnvironment('ETL_STACK_STATE', undefined, () => {
    const outer = temporaryFolder()
    const inner = join(outer, 'project', 'src')
    mkdirSync(inner, { recursive: true })
    writeStackState(outer, state)
    assert.equal(findStateFile(inner), stateFile(outer))
    mkdirSync(join(outer, 'project', '.git'))
    assert.equal(findStateFile(inner), undefined)
    writeStackState(join(outer, 'project'), state)
    assert.equal(findStateFile(inner), stateFile(join(outer, 'project')))
  })
})

test('ETL_STACK_STATE names the file, whatever the current folder', () => {
  const dir = temporaryFolder()
  writeStackState(dir, state)
  withEnvironment('ETL_STACK_STATE', stateFile(dir), () => {
    assert.deepEqual(readStackState(), state)
    assert.equal(stackDirectory(), dir)
  })
})

test('a state file by another name serves readers, but up and down have no folder to work in', () => {
  const file = join(temporaryFolder(), 'elsewhere.json')
  writeFileSync(file, JSON.stringify(state))
  withEnvironment('ETL_STACK_STATE', file, () => {
    assert.deepEqual(readStackState(), state)
    assert.throws(() => stackDirectory(), ConfigError)
  })
})

for (const [name, text] of [
  ['text that is not JSON', '{"version": 1,'],
  ['null', 'null'],
  ['another version', '{"version": 2, "services": {}}'],
  ['no services', '{"version": 1}'],
  ['services that are null', '{"version": 1, "services": null}'],
] as const) {
  test(`a state file with ${name} is named in the error`, () => {
    const dir = temporaryFolder()
    mkdirSync(dirname(stateFile(dir)))
    writeFileSync(stateFile(dir), text)
    assert.throws(
      () => readStackState(dir),
      (err) => err instanceof ConfigError && err.where === stateFile(dir) && err.next !== undefined,
    )
  })
}
