import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, UnexpectedError, UnreachableError } from '../../../src/errors.ts'
import { verdictOf as mysqlVerdict } from '../../../src/sink/mysql/errors.ts'
import { verdictOf as postgresVerdict } from '../../../src/sink/postgres/errors.ts'
import { explain, type FailureKind, SqlFailure } from '../../../src/sink/sql/failure.ts'

describe('error tables', () => {
  it('tell a record from its surroundings', () => {
    const kinds: readonly (readonly [FailureKind, readonly string[], readonly number[]])[] = [
      ['record', ['22001', '22003', '22P05', '23505', '23503'], [1062, 1366, 1406, 1264, 1048, 4025]],
      ['conflict', ['40001', '40P01', '55P03'], [1213, 1205]],
      ['environment', ['53100', '53300', '25006'], [1021, 1114, 1040, 1290, 1836]],
      ['disconnected', ['57P01', '08006', '25P03'], [1053, 1927, 4031]],
      ['refused', ['28P01', '28000'], [1045]],
      ['missing', ['42P01', '42703', '3D000'], [1146, 1054, 1049]],
      ['forbidden', ['42501'], [1142]],
      ['unexpected', ['42601', 'XX000'], [1064]],
    ]
    for (const [kind, states, numbers] of kinds) {
      for (const state of states) assert.equal(postgresVerdict(state).kind, kind, state)
      for (const number of numbers) assert.equal(mysqlVerdict(number).kind, kind, String(number))
    }
  })

  it('tell data from constraints', () => {
    assert.equal(postgresVerdict('22003').errorClass, 'data')
    assert.equal(postgresVerdict('23502').errorClass, 'constraint')
    assert.equal(mysqlVerdict(1406).errorClass, 'data')
    assert.equal(mysqlVerdict(1062).errorClass, 'constraint')
  })

  it('become errors with an exit code and a next step', () => {
    const classes: readonly (readonly [FailureKind, new (message: string) => Error])[] = [
      ['disconnected', UnreachableError],
      ['refused', UnreachableError],
      ['environment', UnreachableError],
      ['conflict', UnreachableError],
      ['missing', ConfigError],
      ['forbidden', ConfigError],
      ['unexpected', UnexpectedError],
    ]
    for (const [kind, type] of classes) {
      const err = explain(new SqlFailure('why', { kind }), 'doing', 'host:1/db')
      assert(err instanceof type, kind)
      assert.match((err as Error).message, /^doing: /)
    }
    const other = new TypeError('a bug')
    assert.equal(explain(other, 'doing', 'where'), other)
  })
})
