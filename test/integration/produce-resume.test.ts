import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { etl, etlJson, startEtl } from './etl.ts'
import { keyOf, type LoggedRow, ndjson, rowFields, runWithKills, WatchedTopic } from './produce-runs.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const kafka = { brokers: servers().kafka, clientId: 'produce-resume-test' }
const records = 90_000
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** Every one of the ids once, and each partition in their order. */
function assertExact(log: LoggedRow[][], ids: readonly number[], keyed: boolean): void {
  const got = log.flat().sort((a, b) => a.id - b.id)
  assert.equal(got.length, ids.length, 'records in the log')
  for (const [i, { id, key }] of got.entries()) {
    if (id !== ids[i]) assert.fail(`record ${ids[i]} is missing or doubled: found ${id}`)
    if (key !== (keyed ? keyOf(id) : null)) assert.fail(`record ${id} has the key ${key}`)
  }
  for (const rows of log) {
    const bad = rows.findIndex((row, i) => i > 0 && (rows[i - 1] as LoggedRow).id >= row.id)
    assert.equal(bad, -1, 'a partition has the order of the input')
  }
}

describe('etl produce --resume', () => {
  let work: Workspace
  let schema: string
  const topics: WatchedTopic[] = []

  before(() => {
    work = new Workspace('resume')
    schema = work.schema('row', rowFields)
  })
  after(async () => {
    await Promise.all(topics.map((topic) => topic.close()))
    await work.remove()
  })

  async function newTopic(name: string): Promise<WatchedTopic> {
    const topic = new WatchedTopic(kafka, work.topic(name))
    topics.push(topic)
    await topic.create()
    return topic
  }

  const args = (topic: WatchedTopic, ...more: string[]) => [
    'produce',
    '-t',
    topic.name,
    '--schema',
    schema,
    '--register',
    ...more,
  ]

  async function killedToTheEnd(t: TestContext, topic: WatchedTopic, command: string[], maxKills: number) {
    const { kills, last } = await runWithKills(topic, command, maxKills)
    t.diagnostic(`${kills} kills`)
    assert.ok(kills >= 1, 'killed at least once')
    assert.equal(last.code, 0, last.stderr)
    return JSON.parse(last.stdout)
  }

  /** Records that are done with, by input; nothing must be left. */
  async function nothingLeft(command: string[]): Promise<number[]> {
    const again = await etlJson([...command, '--resume'])
    assert.deepEqual([again.end, again.read, again.sent], ['complete', 0, 0])
    return again.resumed.map((input: { earlier: number }) => input.earlier)
  }

  it('NDJSON with keys, killed again and again, another number of threads each time', async (t) => {
    const topic = await newTopic('ndjson')
    const file = work.file('rows.ndjson', ndjson(0, records))
    const command = args(topic, file, '--key', 'key')
    const last = await killedToTheEnd(t, topic, command, 3)
    assert.deepEqual(await nothingLeft(command), [records])
    assert.equal(last.sent + last.resumed[0].earlier, records)
    assertExact(await topic.rows(), upTo(records), true)
  })

  it('compressed CSV without keys', async (t) => {
    const topic = await newTopic('csv')
    const rows = upTo(records).map((id) => `${keyOf(id)},${id}\r\n`)
    const file = join(work.dir, 'rows.csv.gz')
    writeFileSync(file, gzipSync(`key,id\r\n${rows.join('')}`))
    await killedToTheEnd(t, topic, args(topic, file), 2)
    assertExact(await topic.rows(), upTo(records), false)
  })

  it('a JSON array with bad records that are skipped: they are in their file once each, in order', async (t) => {
    const topic = await newTopic('json')
    const isBad = (id: number) => id % 1000 === 17
    const values = upTo(records).map(
      (id) => `{"key":"${keyOf(id)}",\n "id":${isBad(id) ? `"no ${id}"` : id}}`,
    )
    const file = work.file('rows.json', `\n[\n${values.join(' ,\n\n')}\n]\n`)
    const badFile = join(work.dir, 'bad.ndjson')
    const skip = ['--on-bad', 'skip', '--bad-file', badFile]
    await killedToTheEnd(t, topic, args(topic, file, '--key', 'key', ...skip), 2)
    const good = upTo(records).filter((id) => !isBad(id))
    assertExact(await topic.rows(), good, true)
    const bad = readFileSync(badFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number(JSON.parse(JSON.parse(line).raw).id.slice(3)))
    assert.deepEqual(bad, upTo(records).filter(isBad))
  })

  it('made-up records: the log is that of a run that nobody killed', async (t) => {
    const [topic, whole] = [await newTopic('generate'), await newTopic('generate_whole')]
    const generate = ['--generate', '40000', '--seed', '5', '--unique', 'id']
    await killedToTheEnd(t, topic, args(topic, ...generate), 2)
    await etlJson(args(whole, ...generate))
    assert.deepEqual(await topic.bytes(), await whole.bytes())
  })

  it('several files; later another one between them, and more at the end of one', async (t) => {
    const topic = await newTopic('files')
    const [a, b, c] = ['a.ndjson', 'b.ndjson', 'c.ndjson'].map((name) => join(work.dir, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(a, ndjson(0, 50_000))
    writeFileSync(c, ndjson(50_000, 100_000).trimEnd())
    const command = args(topic, a, c, '--key', 'key')
    await killedToTheEnd(t, topic, command, 2)
    assert.deepEqual(await nothingLeft(command), [50_000, 50_000])
    assertExact(await topic.rows(), upTo(100_000), true)
    writeFileSync(b, ndjson(100_000, 100_500))
    appendFileSync(c, `\n\n${ndjson(100_500, 101_000)}`)
    const more = await etlJson(args(topic, a, b, c, '--key', 'key', '--resume'))
    assert.deepEqual([more.read, more.sent], [1000, 1000])
    assertExact(await topic.rows(), upTo(101_000), true)
  })

  it('Ctrl-C commits what was read; the same command goes on', async () => {
    const topic = await newTopic('interrupt')
    const file = work.file('interrupt.ndjson', ndjson(0, 300_000))
    const command = args(topic, file, '--key', 'key', '--resume', '--json')
    const started = startEtl(command)
    await topic.grown(0n, started)
    started.child.kill('SIGINT')
    const { code, stdout } = await started.output
    const result = JSON.parse(stdout)
    assert.deepEqual([code, result.end, result.unacknowledged], [130, 'interrupted', 0])
    assert.ok(result.sent > 0 && result.sent < 300_000, `${result.sent} sent`)
    assertExact(await topic.rows(), upTo(result.sent), true)
    const rest = await etlJson(command)
    assert.equal(rest.sent, 300_000 - result.sent)
    assertExact(await topic.rows(), upTo(300_000), true)
  })

  it('a process that was frozen until another run had done its work is fenced, and writes nothing more', async () => {
    const topic = await newTopic('zombie')
    const file = work.file('zombie.ndjson', ndjson(0, 300_000))
    const command = args(topic, file, '--key', 'key', '--resume')
    const zombie = startEtl(command)
    await topic.grown(0n, zombie)
    zombie.child.kill('SIGSTOP')
    const second = await etlJson(command)
    assert.equal(second.end, 'complete')
    assert.ok(second.sent > 0, 'the first run was not done')
    zombie.child.kill('SIGCONT')
    const { code, stderr } = await zombie.output
    assert.equal(code, 7, stderr)
    assert.match(stderr, /another run has taken over/)
    assert.match(stderr, /next:.*the same command/)
    assertExact(await topic.rows(), upTo(300_000), true)
  })

  it('a bad record stops it; corrected, the run goes on at this record', async () => {
    const topic = await newTopic('bad')
    const lines = ndjson(0, 30_000).split('\n')
    const right = lines[20_000] as string
    lines[20_000] = '{"key":"x","id":"twenty thousand"}'
    const file = work.file('bad.ndjson', lines.join('\n'))
    const command = args(topic, file, '--key', 'key', '--resume')
    const stopped = await etl(command)
    assert.equal(stopped.code, 2)
    assert.match(stopped.stderr, /bad\.ndjson:20001/)
    assertExact(await topic.rows(), upTo(20_000), true)

    const edited = [...lines]
    edited[19_999] = (lines[19_999] as string).replace('cold', 'gold')
    writeFileSync(file, edited.join('\n'))
    const refused = await etl(command)
    assert.equal(refused.code, 78, 'a record that was sent is another one now')
    assert.match(refused.stderr, /was changed in the part that earlier runs have sent/)

    lines[20_000] = right
    writeFileSync(file, lines.join('\n'))
    const rest = await etlJson(command)
    assert.deepEqual([rest.read, rest.sent], [10_000, 10_000])
    assertExact(await topic.rows(), upTo(30_000), true)
  })

  it('refuses an input or flags that are not those of the runs before, and sends nothing', async () => {
    const topic = await newTopic('changed')
    const file = work.file('changed.ndjson', ndjson(0, 1000))
    const command = args(topic, file, '--resume', '--key', 'key')
    assert.equal((await etlJson(command)).sent, 1000)
    const cases: [text: string, args: string[], message: RegExp][] = [
      [ndjson(1, 1001), command, /changed in the part[\s\S]*are not what was sent/],
      [ndjson(0, 999), command, /changed in the part[\s\S]*it is shorter now/],
      [ndjson(0, 1000), args(topic, file, '--resume'), /no --key.*--key "key"/],
      [ndjson(0, 1000), [...command, '--format', 'json'], /--format "json"/],
    ]
    for (const [text, command, message] of cases) {
      writeFileSync(file, text)
      const { code, stderr } = await etl(command)
      assert.match(stderr, message)
      assert.equal(code, 78, stderr)
    }
    assertExact(await topic.rows(), upTo(1000), true)
    const other = await etlJson([...command, '--resume-id', 'once more'])
    assert.equal(other.sent, 1000)
  })

  it('a topic that was created again gets all of the input', async () => {
    const topic = await newTopic('recreated')
    const file = work.file('recreated.ndjson', ndjson(0, 1000))
    const command = args(topic, file, '--resume', '--key', 'key')
    await etlJson(command)
    await topic.recreate()
    assert.equal((await etlJson(command)).sent, 1000)
    assertExact(await topic.rows(), upTo(1000), true)
  })

  it('refuses stdin, and what makes no sense together', async () => {
    const topic = await newTopic('refused')
    const file = work.file('refused.ndjson', ndjson(0, 1))
    const cases: [string[], RegExp][] = [
      [['--resume'], /stdin is not resumable[\s\S]*next:.*a file/],
      [[file, '--resume', '--dry-run'], /--dry-run/],
      [[file, '--resume-id', 'x'], /--resume/],
    ]
    for (const [more, message] of cases) {
      const { code, stderr } = await etl(args(topic, ...more))
      assert.match(stderr, message)
      assert.equal(code, 2, stderr)
    }
  })
})
