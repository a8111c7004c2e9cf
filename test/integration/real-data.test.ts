import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'csv-parse/sync'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etlJson, root } from './etl.ts'
import { Workspace } from './workspace.ts'

const data = (file: string) => join(root, 'node_modules/vega-datasets/data', file)
type Row = Record<string, unknown>

/** Real files as they come: titles that are numbers, names with spaces, nested GeoJSON, quoted CSV, many nulls. */
const files: Record<string, () => Row[]> = {
  'movies.json': () => JSON.parse(readFileSync(data('movies.json'), 'utf8')),
  'earthquakes.json': () => [JSON.parse(readFileSync(data('earthquakes.json'), 'utf8'))],
  'birdstrikes.csv': () => parse(readFileSync(data('birdstrikes.csv')), { columns: true, bom: true }),
}

describe('real data, value for value', () => {
  const work = new Workspace('real')
  const databases = new Map<string, Database>()

  before(async () => {
    for (const kind of kinds) databases.set(kind, await openDatabase(kind))
  })
  after(async () => {
    for (const db of databases.values()) await db.close()
    await work.remove()
  })

  for (const [file, read] of Object.entries(files))
    it(`${file} comes back equal from both databases`, async () => {
      const topic = work.topic(file.split('.')[0] as string)
      await etlJson(['schema', 'gen', data(file), '--name', topic, '--out', work.dir])
      await etlJson(['apply', '-t', topic, '--schema', join(work.dir, `${topic}.avsc`), '-p', '1'])
      const source = read()
      const produced = await etlJson(['produce', data(file), '-t', topic])
      assert.deepEqual([produced.read, produced.sent, produced.bad], [source.length, source.length, 0])
      for (const [kind, db] of databases) {
        const run = await etlJson(['consume', '-t', topic, '-s', kind, '--until-end'])
        assert.deepEqual([run.written, run.deadLettered], [source.length, 0])
        const names = [...new Set(source.flatMap(Object.keys))]
        const columns = names.map((name) => textOf(db, name)).join(', ')
        const rows = await db.rows(`SELECT ${columns} FROM ${db.quote(topic)} ORDER BY kafka_offset`)
        assert.equal(rows.length, source.length)
        for (const [i, row] of rows.entries())
          for (const [j, name] of names.entries())
            assertSame(source[i]?.[name], row[j] ?? null, file.endsWith('.csv'), `${kind} row ${i} ${name}`)
      }
    })
})

function textOf(db: Database, name: string): string {
  return db.kind === 'postgres' ? `${db.quote(name)}::text` : db.quote(name)
}

function assertSame(expected: unknown, stored: string | null, isCsv: boolean, where: string): void {
  if (expected === undefined || expected === null || (isCsv && expected === '')) {
    // An empty cell is null where the column is not text, and the empty text where it is.
    assert.ok(stored === null || (isCsv && stored === ''), `${where}: ${stored} instead of nothing`)
    return
  }
  assert.notEqual(stored, null, `${where}: null instead of ${expected}`)
  const text = stored as string
  if (typeof expected === 'object') assert.deepEqual(JSON.parse(text), expected, where)
  else if (typeof expected === 'boolean') assert.equal(/^(t|true|1)$/.test(text), expected, where)
  else if (typeof expected === 'number') assert.equal(Number(text), expected, where)
  // Cells are text: a number may be written otherwise (07, 1.50), its value is the same.
  else if (isCsv && text !== expected) assert.equal(Number(text), Number(expected), where)
  else assert.equal(text, expected, where)
}
