import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type AvroSchema, parseSchema } from '../../../../src/schema/avro-schema.ts'
import { schemaChanges } from '../../../../src/schema/compat/diff.ts'
import { changesText } from '../../../../src/schema/compat/diff-text.ts'

function record(...fields: object[]): AvroSchema {
  return parseSchema(JSON.stringify({ type: 'record', name: 'R', fields }), 'test')
}

function lines(before: AvroSchema, after: AvroSchema): string[] {
  const text = changesText(schemaChanges(before, after))
  return text === '' ? [] : text.split('\n')
}

const a = { name: 'a', type: 'int' }

suite('what changed between schemas', () => {
  test('nothing', () => assert.deepEqual(lines(record(a), record({ ...a, type: { type: 'int' } })), []))

  test('fields added, removed, renamed by alias, reordered', () => {
    const b = { name: 'b', type: ['null', 'string'], default: null }
    assert.deepEqual(lines(record(a), record(a, b)), ['+ R.b  null | string, default null'])
    assert.deepEqual(lines(record(a, b), record(a)), ['- R.b  null | string, default null'])
    assert.deepEqual(lines(record(a), record({ ...a, name: 'c', aliases: ['a'] })), [
      '~ R.c  renamed: a → c',
      '~ R.c  aliases: (none) → a',
    ])
    assert.deepEqual(lines(record(a, b), record(b, a)), ['~ R  order of fields: a, b → b, a'])
  })

  test('types, defaults, documentation, symbols, original names', () => {
    const e = (...symbols: string[]) => record({ name: 'e', type: { type: 'enum', name: 'E', symbols } })
    assert.deepEqual(lines(record(a), record({ ...a, type: 'long', default: 1, doc: 'minutes' })), [
      '~ R.a  type: int → long',
      '~ R.a  default: (none) → 1',
      '~ R.a  documentation: (none) → minutes',
    ])
    assert.deepEqual(lines(e('A'), e('A', 'B')), ['~ R.e  symbols: A → A, B'])
    assert.deepEqual(lines(record(a), record({ ...a, originalName: 'A 1' })), [
      '~ R.A 1  name in the data: a → A 1',
    ])
    assert.deepEqual(lines(record(a), record({ ...a, type: ['null', 'int'] })), [
      '~ R.a  type: int → null | int',
    ])
  })

  test('changes inside nested, optional and recursive types', () => {
    const list = (type: string) => {
      const inner = {
        type: 'record',
        name: 'L',
        fields: [
          { name: 'x', type },
          { name: 'up', type: ['null', 'R'] },
        ],
      }
      return record({ name: 'list', type: ['null', { type: 'array', items: inner }] })
    }
    assert.deepEqual(lines(list('int'), list('long')), ['~ R.list[].x  type: int → long'])
  })

  test('a type that becomes optional and changes inside', () => {
    const inner = (type: string) => ({ type: 'record', name: 'L', fields: [{ name: 'x', type }] })
    const before = record({ name: 'l', type: inner('int') })
    const after = record({ name: 'l', type: ['null', inner('long')] })
    assert.deepEqual(lines(before, after), [
      '~ R.l  type: record L → null | record L',
      '~ R.l.x  type: int → long',
    ])
  })
})
