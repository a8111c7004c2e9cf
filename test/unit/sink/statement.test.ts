import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../../src/errors.ts'
import { literal, stringLiteral } from '../../../src/sink/mysql/literal.ts'
import { ident, join, raw, sql } from '../../../src/sink/sql/statement.ts'
import { parseTableName, tableText } from '../../../src/sink/sql/table-name.ts'

const numbered = (_: unknown, index: number) => `$${index + 1}`

describe('statement', () => {
  it('splices statements in and numbers parameters in order', () => {
    const inner = sql`a = ${1} AND ${ident('b')} = ${'x'}`
    const outer = sql`${raw('SELECT')} ${0} WHERE ${inner} OR ${join([sql`${2}`, sql`${3}`], ', ')} END`
    assert.equal(outer.render(numbered), 'SELECT $1 WHERE a = $2 AND "b" = $3 OR $4, $5 END')
    assert.deepEqual(outer.params, [0, 1, 'x', 2, 3])
  })

  it('never reads a parameter or an identifier as SQL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const statement = sql`SELECT ${ident(name)} FROM t WHERE x = ${value}`
        const text = statement.render(numbered)
        assert.equal(text, `SELECT "${name.replaceAll('"', '""')}" FROM t WHERE x = $1`)
        assert.deepEqual(statement.params, [value])
      }),
    )
  })
})

describe('MySQL literal', () => {
  it('holds no quote, backslash or control character that is not escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const body = stringLiteral(text).slice(1, -1)
        const unescaped = body.replaceAll(/\\[\s\S]/g, '')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those that must not be there
        assert(!/['\\\0\n\r\x1a]/.test(unescaped))
        const back: Record<string, string> = { '0': '\0', n: '\n', r: '\r', Z: '\x1a' }
        assert.equal(
          body.replaceAll(/\\([\s\S])/g, (_, char: string) => back[char] ?? char),
          text,
        )
      }),
    )
  })

  it('keeps the type of every value', () => {
    assert.equal(literal(null), 'NULL')
    assert.equal(literal(-(2n ** 63n)), '-9223372036854775808')
    assert.equal(literal(5), '5')
    assert.equal(literal(0.5), '0.5e0')
    assert.equal(literal(true), '1')
    assert.equal(literal(Buffer.from('00ff', 'hex')), "X'00ff'")
  })
})

describe('table name', () => {
  it('takes a name, a schema and a name, and quoted parts', () => {
    assert.deepEqual(parseTableName('flights'), { schema: undefined, name: 'flights' })
    assert.deepEqual(parseTableName('public.flights'), { schema: 'public', name: 'flights' })
    assert.deepEqual(parseTableName('"a.b"."c""d"'), { schema: 'a.b', name: 'c"d' })
  })

  it('refuses anything else', () => {
    for (const text of ['', '.', 'a.', '.a', 'a.b.c', '"a', '"a"b', '""']) {
      assert.throws(() => parseTableName(text), ConfigError, text)
    }
  })

  it('reads back what it shows', () => {
    const part = fc.string({ minLength: 1 })
    fc.assert(
      fc.property(fc.option(part, { nil: undefined }), part, (schema, name) => {
        assert.deepEqual(parseTableName(tableText({ schema, name })), { schema, name })
      }),
    )
  })
})
