import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'

const failure = join(import.meta.dirname, '../../../src/cli/failure.ts')

/** Runs `code` in a process of its own, under the nets. */
function under(code: string, argv: readonly string[] = []) {
  const program = `
    import { installNets, outputMode, reportFailure } from ${JSON.stringify(failure)}
    installNets(outputMode(${JSON.stringify(argv)}))
    ${code}
  `
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const text = 'Error: loose\n  next:  run the same command with --debug and report what it prints\n'

suite('what nobody caught', () => {
  test('a rejection is printed like any error, exit code 1', () => {
    const code = "void Promise.reject(new Error('loose')); setTimeout(() => {}, 60_000)"
    assert.deepEqual(under(code), { status: 1, stdout: '', stderr: text })
  })

  test('an exception in a callback, too, and what is not even an Error', () => {
    for (const thrown of ["new Error('loose')", "'loose'"]) {
      const code = `setTimeout(() => { throw ${thrown} }); setTimeout(() => {}, 60_000)`
      assert.deepEqual(under(code), { status: 1, stdout: '', stderr: text })
    }
  })

  test('with --json it is the one document on stdout', () => {
    const { status, stdout, stderr } = under("throw new Error('loose')", ['--json'])
    assert.equal(status, 1)
    assert.deepEqual(JSON.parse(stdout).error, { code: 'unexpected', exitCode: 1, message: 'loose' })
    assert.equal(stderr, '')
  })

  test('with --debug the stack follows', () => {
    assert.match(under("throw new Error('loose')", ['--debug']).stderr, /next:.*\n\nError: loose\n\s+at /)
  })
})

test('flags behind -- belong to someone else', () => {
  const { stdout, stderr } = under("throw new Error('loose')", ['x', '--', '--json', '--debug'])
  assert.equal(stdout, '')
  assert.equal(stderr, text)
})
