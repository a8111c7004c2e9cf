import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { etl, etlJson } from '../integration/etl.ts'

suite('etl schema on files', () => {
  let dir: string
  const run = (args: string[], input?: string) =>
    etl(['schema', ...args], { cwd: dir, ...(input ? { input } : {}) })

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'etl-schema-'))
    writeFileSync(join(dir, 'people.json'), '[{"id": 1, "full name": "Ann"},\n {"id": 2.5}]')
    writeFileSync(join(dir, 'old.avsc'), record({ name: 'id', type: 'int' }))
    writeFileSync(
      join(dir, 'new.avsc'),
      record({ name: 'id', type: 'string' }, { name: 'x', type: 'int', default: 0 }),
    )
  })
  after(() => rmSync(dir, { recursive: true }))

  test('gen writes a file, says so, and leaves the same file alone', async () => {
    const first = await run(['gen', 'people.json', '--namespace', 'com.exam'])
    assert.equal(first.stdout, 'written schemas/people.avsc: com.exam.people, 2 fields from 2 samples\n')
    assert.equal(first.code, 0)
    const text = readFileSync(join(dir, 'schemas/people.avsc'), 'utf8')
    assert.equal(JSON.parse(text).fields[1].originalName, 'full name')
    const again = await run(['gen', 'people.json', '--namespace', 'com.exam'])
    assert.match(again.stdout, /^unchanged /)
  })

  test('gen keeps a file that differs, unless --force', async () => {
    await run(['gen', 'people.json', '--out', 'forced'])
    const refused = await run(['gen', 'people.json', '--out', 'forced', '--namespace', 'other'])
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /exists and is another schema[\s\S]*forced\/people\.avsc[\s\S]*--force/)
    const forced = await run(['gen', 'people.json', '--out', 'forced', '--namespace', 'other', '--force'])
    assert.match(forced.stdout, /^replaced /)
    assert.deepEqual(readdirSync(join(dir, 'forced')), ['people.avsc'])
  })

  test('gen reads stdin and prints with --stdout', async () => {
    const { code, stdout } = await run(
      ['gen', '-', '--name', 'events', '--stdout'],
      '{"a": 1}\n{"a": null}\n',
    )
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout).fields, [{ name: 'a', type: ['null', 'int'], default: null }])
    const nameless = await run(['gen', '-'], '{"a": 1}')
    assert.equal(nameless.code, 2)
    assert.match(nameless.stderr, /--name NAME/)
  })

  test('gen --explain fits 80 columns and gives the same as --json', async () => {
    const { stdout } = await run(['gen', 'people.json', '--out', 'explained', '--explain'])
    assert.match(stdout, /id +double +2 values\n.*a fraction or exponent: 2\.5 \(people\.json:2\)/)
    assert.match(stdout, /full name +string\? +1 value, 1 missing\n.*named full_name in Avro/)
    assert.ok(stdout.split('\n').every((line) => line.length <= 80))
    const document = await etlJson(['schema', 'gen', 'people.json', '--out', 'explained', '--explain'], {
      cwd: dir,
    })
    assert.equal(document.schemas[0].outcome, 'unchanged')
    assert.equal(document.schemas[0].fields[1].missing, 1)
  })

  test('gen writes nothing when one of several inputs is bad', async () => {
    writeFileSync(join(dir, 'bad.ndjson'), '{"a": 1}\n{"a" 2}\n')
    const { code, stderr } = await run(['gen', 'people.json', 'bad.ndjson', '--out', 'none'])
    assert.equal(code, 2)
    assert.match(stderr, /where: bad\.ndjson:2:6/)
    assert.doesNotMatch(stderr, /\.ts:\d/)
    assert.equal(existsSync(join(dir, 'none')), false)
  })

  test('gen takes the older form', async () => {
    writeFileSync(join(dir, 'declared.json'), '[{"name": "dataset1", "fields": {"id": "long"}}]')
    const { stdout } = await run(['gen', 'declared.json', '--namespace', 'com.exam', '--stdout'])
    const { name, namespace, fields } = JSON.parse(stdout)
    assert.deepEqual(
      { name, namespace, fields },
      { name: 'dataset1', namespace: 'com.exam', fields: [{ name: 'id', type: 'long' }] },
    )
  })

  test('check exits 0 when compatible and 3 when not, with field and rule', async () => {
    const same = await run(['check', 'old.avsc', 'old.avsc', '--level', 'FULL'])
    assert.deepEqual([same.code, same.stdout], [0, 'FULL compatible with old.avsc\n'])
    const different = await run(['check', 'old.avsc', 'new.avsc'])
    assert.equal(different.code, 3)
    assert.match(different.stdout, /R\.id {2}TYPE_MISMATCH\n {4}int was written and cannot be read as string/)
    const lonely = await run(['check', 'old.avsc'])
    assert.equal(lonely.code, 2)
  })

  test('diff says what changed', async () => {
    const { code, stdout } = await run(['diff', 'old.avsc', 'new.avsc'])
    assert.equal(code, 0)
    assert.equal(stdout, '~ R.id  type: int → string\n+ R.x  int, default 0\n')
    const document = await etlJson(['schema', 'diff', 'old.avsc', 'new.avsc'], { cwd: dir })
    assert.deepEqual(document.changes[0], { kind: 'type', path: 'R.id', before: 'int', after: 'string' })
  })

  test('a file that is missing or not Avro is an error with a place', async () => {
    const missing = await run(['diff', 'none.avsc', 'old.avsc'])
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /no such schema file\n {2}where: none\.avsc/)
    const data = await run(['diff', 'people.json', 'old.avsc'])
    assert.equal(data.code, 2)
    assert.match(data.stderr, /where: people\.json \$/)
  })

  test('register needs a reachable registry and says how to name one', async () => {
    const away = await etl(
      ['schema', 'register', 'old.avsc', '--topic', 't', '--registry-url', 'http://127.0.0.1:1'],
      { cwd: dir },
    )
    assert.equal(away.code, 5)
    assert.match(away.stderr, /the schema registry does not answer\n {2}where: http:\/\/127\.0\.0\.1:1/)
  })
})

function record(...fields: object[]): string {
  return JSON.stringify({ type: 'record', name: 'R', fields })
}
