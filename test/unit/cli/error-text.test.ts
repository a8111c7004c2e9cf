import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorDocument, errorText } from '../../../src/cli/error-text.ts'
import { UnreachableError } from '../../../src/errors.ts'

const refused = new AggregateError([
  new Error('connect ECONNREFUSED ::1:9092'),
  new Error('connect ECONNREFUSED 127.0.0.1:9092'),
])
const unreachable = new UnreachableError('no broker answers', {
  where: 'kafka://etl:geheim@localhost:9092',
  cause: refused,
  next: 'etl stack status',
})

test('an error says what, where, why and next, without secrets and without a stack', () => {
  assert.equal(
    errorText(unreachable, { debug: false }),
    [
      'Error: no broker answers',
      '  where: kafka://etl:***@localhost:9092',
      '  why:   connect ECONNREFUSED ::1:9092, connect ECONNREFUSED 127.0.0.1:9092',
      '  next:  etl stack status',
    ].join('\n'),
  )
})

test('the document has the same parts', () => {
  assert.deepEqual(errorDocument(unreachable, 5), {
    error: {
      code: 'unreachable',
      exitCode: 5,
      message: 'no broker answers',
      where: 'kafka://etl:***@localhost:9092',
      why: 'connect ECONNREFUSED ::1:9092, connect ECONNREFUSED 127.0.0.1:9092',
      next: 'etl stack status',
    },
  })
})

test('an error that nobody foresaw asks for --debug, which adds the stacks of all causes', () => {
  const err = new Error('boom', { cause: new TypeError('deep postgres://u:geheim@h/d') })
  assert.match(
    errorText(err, { debug: false }),
    /^Error: boom\n {2}why: {3}deep .*\n {2}next: {2}run the same command with --debug/,
  )
  const debug = errorText(err, { debug: true })
  assert.match(debug, /error-text\.test\.ts/)
  assert.match(debug, /Caused by: TypeError: deep/)
  assert.doesNotMatch(debug, /geheim/)
})

test('causes that say the same are named once, and a circle of causes ends', () => {
  const err = new Error('outer')
  err.cause = new Error('inner', { cause: err })
  assert.match(errorText(err, { debug: true }), /why: {3}inner\n/)
})
