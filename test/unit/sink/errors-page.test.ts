import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { root } from '../../../bin/sources.ts'
import { errorTable as mysql, verdictOf as mysqlVerdict } from '../../../src/sink/mysql/errors.ts'
import { errorTable as postgres, verdictOf as postgresVerdict } from '../../../src/sink/postgres/errors.ts'
import { errorsPage } from './errors-page.ts'

describe('docs/sink-errors.md', () => {
  it('says what the error tables say', (t) => {
    t.assert.fileSnapshot(errorsPage(), join(root, 'docs', 'sink-errors.md'), { serializers: [String] })
  })

  it('names every code once, and classifies it as the code does', () => {
    for (const table of [postgres, mysql]) {
      assert.equal(new Set(table.map(({ code }) => code)).size, table.length)
    }
    for (const { code, verdict } of postgres) assert.deepEqual(postgresVerdict(code), verdict)
    for (const { code, verdict } of mysql) assert.deepEqual(mysqlVerdict(Number(code)), verdict)
  })

  it('names MySQL’s errors as the driver does', () => {
    // The package exports only its main module.
    const file = join(root, 'node_modules/mysql2/lib/constants/errors.js')
    const known: Readonly<Record<string, string>> = createRequire(file)(file)
    for (const { code, name, meaning } of mysql) {
      // The driver knows MySQL’s, not MariaDB’s.
      if (!meaning.startsWith('MariaDB')) assert.equal(known[code], name, code)
    }
  })
})
