import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { etl, etlJson, root } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

/** Runs `etl` on a terminal of its own (util-linux `script`) and types `lines`, each when something is asked. */
async function onTerminal(
  args: readonly string[],
  lines: readonly string[],
): Promise<{ code: number | null; screen: string }> {
  const quoted = [process.execPath, join(root, 'bin', 'dev.ts'), ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('/usr/bin/script', ['-qec', quoted, '/dev/null'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', TERM: 'dumb' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = [...lines]
  let screen = ''
  let unanswered = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    unanswered += text
    if (!/password of [^\n]*: $/.test(unanswered)) return
    unanswered = ''
    child.stdin.write(answers.shift() ?? '\u0004')
  })
  const [code] = await once(child, 'close')
  return { code, screen }
}

describe('a password that nobody gave', { concurrency: false }, () => {
  const work = new Workspace('prompt')
  const topic = work.topic('asked')
  after(() => work.remove())
  const { host, port, user, database, password } = servers().postgres
  const address = `postgres://${user}@${host}:${port}/${database}`

  it('is asked for on a terminal, without being shown, and the command goes on', async () => {
    await etlJson([
      'apply',
      '-t',
      topic,
      '--schema',
      work.schema('asked', [{ name: 'id', type: 'int' }]),
      '-s',
      'postgres',
    ])
    const args = ['verify-offsets', '-t', topic, '-s', address]
    const { code, screen } = await onTerminal(args, [`${password}\r`])
    assert.equal(code, 0, screen)
    assert.match(screen, new RegExp(`password of ${user} at ${host}:${port}/${database}: \\r?\\n`))
  })

  it('is asked for once: a wrong one is an error, and is not shown either', async () => {
    const args = ['verify-offsets', '-t', topic, '-s', address]
    const { code, screen } = await onTerminal(args, ['wrong-password-typed\r'])
    assert.equal(code, 5, screen)
    assert.match(screen, /password authentication failed/)
    assert.doesNotMatch(screen, /wrong-password-typed/)
    assert.equal(screen.split('password of').length, 2)
  })

  it('Ctrl-C at the question ends the command', async () => {
    const { code, screen } = await onTerminal(['verify-offsets', '-t', topic, '-s', address], ['\u0003'])
    assert.equal(code, 2, screen)
    assert.match(screen, /was not typed/)
  })

  it('is not asked for in a pipe', async () => {
    const { code, stderr } = await etl(['verify-offsets', '-t', topic, '-s', address])
    assert.equal(code, 5)
    assert.match(stderr, /does not let this user in[\s\S]*ETL_SINK_PASSWORD/)
  })
})
