import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { UsageError } from '../../../src/errors.ts'
import { subjectName } from '../../../src/schema/subject.ts'

suite('subject names', () => {
  const given = { topic: 'flights', record: 'com.exam.Flight' }

  test('one for each strategy', () => {
    assert.equal(subjectName({ strategy: 'topic-name', ...given }), 'flights-value')
    assert.equal(subjectName({ strategy: 'topic-name', ...given, part: 'key' }), 'flights-key')
    assert.equal(subjectName({ strategy: 'record-name', ...given }), 'com.exam.Flight')
    assert.equal(subjectName({ strategy: 'topic-record-name', ...given }), 'flights-com.exam.Flight')
  })

  test('what a strategy needs must be there', () => {
    assert.throws(() => subjectName({ strategy: 'topic-name', record: 'R' }), UsageError)
    assert.throws(() => subjectName({ strategy: 'record-name', topic: 't' }), UsageError)
    assert.throws(() => subjectName({ strategy: 'topic-record-name', record: 'R' }), /needs the topic/)
  })
})
