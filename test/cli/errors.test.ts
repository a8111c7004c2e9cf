import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { etl, root } from '../integration/etl.ts'

const mistakes = [
  {
    name: 'an unknown command: the nearest one',
    args: ['consum', '-t', 'x'],
    text: 'Error: "consum" is not a command of etl\n  why:   the nearest one is "consume"\n  next:  etl consume --help\n',
  },
  {
    name: 'an unknown command below a topic: the nearest one there',
    args: ['stack', 'stats'],
    text: 'Error: "stack stats" is not a command of etl\n  why:   the nearest one is "stack status"\n  next:  etl stack status --help\n',
  },
  {
    name: 'an unknown command like no other: the list',
    args: ['frobnicate'],
    text: 'Error: "frobnicate" is not a command of etl\n  next:  etl --help\n',
  },
  {
    name: 'an unknown flag: the nearest one',
    args: ['consume', '--topc', 'x'],
    text: 'Error: unknown flag --topc\n  why:   the nearest flag is --topic\n  next:  etl consume --help\n',
  },
  {
    name: 'a flag before any command',
    args: ['--topic', 'x'],
    text: 'Error: unknown flag --topic\n  next:  etl --help\n',
  },
  {
    name: 'a missing flag',
    args: ['consume'],
    text: 'Error: Missing required flag topic\n  next:  etl consume --help\n',
  },
  {
    name: 'a missing argument',
    args: ['schema', 'check'],
    text: 'Error: missing argument: SCHEMA\n  next:  etl schema check --help\n',
  },
  {
    name: 'a value that is none of the options',
    args: ['consume', '-t', 'x', '--mode', 'append'],
    text: 'Error: Expected --mode=append to be one of: insert, upsert\n  next:  etl consume --help\n',
  },
  {
    name: 'one of several values that is none of the options',
    args: ['dlq', 'list', '-t', 'x', '--class', 'bad'],
    text: 'Error: Expected --class=bad to be one of: decode, schema, data, constraint, conflict\n  next:  etl dlq list --help\n',
  },
  {
    name: 'a number that is none',
    args: ['consume', '-t', 'x', '--threads', 'many'],
    text: 'Error: --threads: Expected an integer but received: many\n  next:  etl consume --help\n',
  },
]

suite('wrong usage: exit code 2, the same form everywhere', () => {
  for (const { name, args, text } of mistakes) {
    test(name, async () => {
      const { code, stdout, stderr } = await etl(args)
      assert.equal(stderr, text)
      assert.equal(stdout, '')
      assert.equal(code, 2)
    })

    test(`${name}, as the document of --json`, async () => {
      const { code, stdout, stderr } = await etl([...args, '--json'])
      const { error } = JSON.parse(stdout)
      assert.equal(code, 2)
      assert.equal(error.exitCode, 2)
      assert.equal(error.code, 'usage')
      assert.equal(error.next, /next: {2}(.*)\n$/.exec(text)?.[1])
      assert.equal(stderr, '')
    })
  }

  test('--debug adds the stack trace', async () => {
    const { stderr } = await etl(['frobnicate', '--debug'])
    assert.match(stderr, /^Error: .*\n {2}next: .*\n\nUsageError: .*\n\s+at /)
  })
})

suite('help', () => {
  for (const args of [[], ['--help'], ['help']]) {
    test(`etl ${args.join(' ')} lists every command on stdout, in 80 columns`, async () => {
      const { code, stdout } = await etl(args)
      assert.equal(code, 0)
      assert.match(stdout, /COMMANDS\n.* {2}verify-offsets/s)
      assert.deepEqual(tooLong(stdout), [])
    })
  }

  test('of a command stands in 80 columns and begins with examples', async () => {
    for (const words of [
      ['consume'],
      ['schema', 'gen'],
      ['apply'],
      ['stack', 'up'],
      ['chaos'],
      ['dlq', 'list'],
    ]) {
      const { code, stdout } = await etl([...words, '--help'])
      assert.equal(code, 0)
      assert.match(stdout, /^.+\n\nEXAMPLES\n/)
      assert.deepEqual(tooLong(stdout), [])
      assert.equal((await etl(['help', ...words])).stdout, stdout)
    }
  })

  test('of a topic lists its commands, with or without --help', async () => {
    const { code, stdout } = await etl(['stack'])
    assert.equal(code, 0)
    for (const command of ['stack up', 'stack down', 'stack status', 'stack logs']) {
      assert.ok(stdout.includes(`  ${command}`), command)
    }
    assert.equal((await etl(['stack', '--help'])).stdout, stdout)
  })
})

test('a reader that goes away ends the program quietly, and not with success', async () => {
  const child = spawn(process.execPath, [join(root, 'bin/dev.ts'), '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  child.stdout.destroy()
  assert.deepEqual(await closed, [141, null])
  assert.equal(stderr, '')
})

function tooLong(text: string): string[] {
  return text.split('\n').filter((line) => line.length > 80)
}
