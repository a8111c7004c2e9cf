import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import avsc from 'avsc'
import type { KafkaAdmin } from '../../src/kafka/admin.ts'
import { openAdmin, openPartitionReader } from '../../src/kafka/open.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { etl, etlJson, root } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const kafka = { brokers: servers().kafka, clientId: 'produce-test' }
const partitions = 4
const fields = [
  { name: 'key', type: 'string' },
  { name: 'id', type: 'long' },
]
const valueType = avsc.Type.forSchema({ type: 'record', name: 'Row', fields } as avsc.Schema)

interface Read {
  key: string | undefined
  rawKey: Buffer | null
  id: number
}

/** `records` rows; half of them have one of three hot keys. */
function rows(records: number): string {
  const row = (id: number) => JSON.stringify({ key: id % 2 === 0 ? `hot-${(id / 2) % 3}` : `cold-${id}`, id })
  return Array.from({ length: records }, (_, id) => `${row(id)}\n`).join('')
}

describe('etl produce', () => {
  let work: Workspace
  let admin: KafkaAdmin
  let schema: string

  before(() => {
    work = new Workspace('produce')
    admin = openAdmin(kafka)
    schema = work.schema('row', fields)
  })
  after(async () => {
    await admin.close()
    await work.remove()
  })

  async function newTopic(name: string): Promise<string> {
    const topic = work.topic(name)
    await admin.createTopic({ name: topic, partitions, replicationFactor: 1, config: new Map() })
    return topic
  }

  const args = (topic: string, ...more: string[]) => [
    'produce',
    '-t',
    topic,
    '--schema',
    schema,
    '--register',
    ...more,
  ]

  /** Keys and values of the topic, by partition, in log order. */
  async function bytesOf(topic: string): Promise<[Buffer | null, Buffer][][]> {
    const reader = openPartitionReader(kafka)
    const log: [Buffer | null, Buffer][][] = []
    try {
      for (const [partition, end] of await admin.endOffsets(topic)) {
        const read: [Buffer | null, Buffer][] = []
        for await (const { records } of reader.read({ topic, partition }, 0n, end)) {
          for (const { key, value } of records) read.push([key && Buffer.from(key), Buffer.from(value ?? [])])
        }
        log[partition] = read
      }
    } finally {
      await reader.close()
    }
    return log
  }

  /** The same, decoded. */
  async function logOf(topic: string): Promise<Read[][]> {
    const log = await bytesOf(topic)
    return log.map((records) =>
      records.map(([rawKey, value]) => ({
        rawKey,
        key: rawKey?.toString(),
        id: valueType.fromBuffer(value.subarray(5)).id,
      })),
    )
  }

  const ids = (log: Read[][]) =>
    log
      .flat()
      .map((record) => record.id)
      .sort((a, b) => a - b)
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

  it('writes the same log with one thread and with four, each key in the order of the input', async () => {
    const file = work.file('rows.ndjson', rows(60_000))
    const logs: Read[][][] = []
    for (const threads of ['1', '4']) {
      const topic = await newTopic(`threads_${threads}`)
      const result = await etlJson(args(topic, file, '--key', 'key', '--threads', threads))
      assert.equal(result.end, 'complete')
      assert.deepEqual([result.read, result.sent, result.bad, result.unacknowledged], [60_000, 60_000, 0, 0])
      const log = await logOf(topic)
      assert.deepEqual(
        result.partitions.map((p: { records: number; lastOffset: number }) => [p.records, p.lastOffset]),
        log.map((records) => [records.length, records.length - 1]),
      )
      logs.push(log)
    }
    const [one, four] = logs as [Read[][], Read[][]]
    assert.deepEqual(four, one)
    assert.deepEqual(ids(one), upTo(60_000))
    for (const records of one) {
      for (let i = 1; i < records.length; i++) {
        assert.ok(
          (records[i - 1] as Read).id < (records[i] as Read).id,
          'a partition has the order of the input',
        )
      }
    }
  })

  it('stops at a record that does not fit, with exactly what stands before it in the log', async () => {
    const topic = await newTopic('stop')
    const lines = rows(20_000).split('\n')
    lines[12_344] = '{"key":"x","id":"twelve"}'
    const file = work.file('bad.ndjson', lines.join('\n'))
    const { code, stdout, stderr } = await etl(args(topic, file, '--key', 'key', '--threads', '4'))
    assert.equal(code, 2)
    assert.match(stderr, /the field id does not fit the schema/)
    assert.match(stderr, /bad\.ndjson:12345/)
    assert.match(stderr, /whole number/)
    assert.match(stderr, /next:.*--on-bad skip/)
    assert.match(stdout, /read +12,345 records/)
    assert.match(stdout, /sent +12,344 records/)
    assert.deepEqual(ids(await logOf(topic)), upTo(12_344))
  })

  it('skips such records into a file on request, and the totals add up', async () => {
    const topic = await newTopic('skip')
    const lines = rows(5000).trim().split('\n')
    for (let i = 10; i < lines.length; i += 100)
      lines[i] = i % 200 === 10 ? '{"id":1' : `{"key":7,"id":${i},"more":1}`
    const file = join(work.dir, 'skip.gz')
    writeFileSync(file, gzipSync(lines.join('\n')))
    const badFile = join(work.dir, 'skipped.ndjson')
    const result = await etlJson(args(topic, file, '--on-bad', 'skip', '--bad-file', badFile))
    assert.deepEqual([result.end, result.read, result.sent, result.bad], ['complete', 5000, 4950, 50])
    const bad = readFileSync(badFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      bad.map(({ line, raw }) => [line, raw]),
      lines.flatMap((line, i) => (i % 100 === 10 ? [[i + 1, line]] : [])),
    )
    assert.equal(ids(await logOf(topic)).length, 4950)
  })

  it('says that the disk of the bad-record file is full, and sends nothing after that place', async () => {
    const topic = await newTopic('full')
    const file = work.file('full.ndjson', `${rows(10)}{}\n`)
    const { code, stderr } = await etl(args(topic, file, '--on-bad', 'skip', '--bad-file', '/dev/full'))
    assert.equal(code, 1)
    assert.match(stderr, /disk of the bad-record file is full/)
    assert.deepEqual(ids(await logOf(topic)), [])
  })

  it('sends what was read when interrupted, and says how far it came', async () => {
    const topic = await newTopic('interrupt')
    const child = spawn(
      process.execPath,
      [join(root, 'bin', 'dev.ts'), ...args(topic, '--format', 'ndjson', '--json')],
      {
        cwd: root,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stdin.on('error', () => undefined)
    const closed = once(child, 'close')
    let id = 0
    let interrupted = false
    try {
      // The input never ends by itself.
      while (child.exitCode === null && !child.stdin.destroyed && !child.stdin.errored) {
        child.stdin.write(Array.from({ length: 100 }, () => `{"key":"k","id":${id++}}\n`).join(''))
        const sent = [...(await admin.endOffsets(topic)).values()].reduce((sum, n) => sum + n, 0n)
        if (sent > 0n && !interrupted) interrupted = child.kill('SIGINT')
      }
    } finally {
      if (!interrupted) child.kill('SIGKILL')
    }
    const [code] = await closed
    const result = JSON.parse(stdout)
    assert.equal(code, 130)
    assert.equal(result.end, 'interrupted')
    assert.equal(result.read, result.sent)
    assert.equal(result.last.line, result.sent)
    assert.deepEqual(ids(await logOf(topic)), upTo(result.sent))
  })

  it('writes Avro keys with a schema of their own in the registry', async () => {
    const topic = await newTopic('avro_key')
    const file = work.file('keys.csv', 'key,id\na,1\nb,2\n')
    await etlJson(args(topic, file, '--key', 'id,key', '--key-format', 'avro'))
    const registered = await openRegistry({ url: servers().registryUrl }).latest(`${topic}-key`)
    assert.ok(registered)
    const keyType = avsc.Type.forSchema(JSON.parse(registered.schema))
    const keys = (await logOf(topic)).flat().map(({ rawKey }) => {
      assert.equal(rawKey?.readUIntBE(0, 5), registered.id)
      return { ...keyType.fromBuffer((rawKey as Buffer).subarray(5)) }
    })
    assert.deepEqual(
      keys.sort((a, b) => a.id - b.id),
      [
        { id: 1, key: 'a' },
        { id: 2, key: 'b' },
      ],
    )
  })

  it('makes up the same records for the same seed, whatever the number of threads', async () => {
    const logs: unknown[] = []
    for (const threads of ['1', '3']) {
      const topic = await newTopic(`generate_${threads}`)
      const result = await etlJson(
        args(topic, '--generate', '5000', '--seed', '7', '--key', 'key', '--threads', threads),
      )
      assert.equal(result.sent, 5000)
      logs.push(await bytesOf(topic))
    }
    assert.deepEqual(logs[1], logs[0])
  })

  it('answers bad input with the cause, the next command and the right exit code', async () => {
    const topic = await newTopic('wrong')
    const good = work.file('good.ndjson', rows(1))
    const broken = work.file('broken.json', '[{"key":"a","id":1},\n {"key":"b" "id":2}]')
    const cut = work.file('cut.json', '[{"key":"a","id":1},')
    const cases: [string[], number, RegExp][] = [
      [['produce', good, '-t', `${topic}-none`], 78, /does not exist[\s\S]*next: +etl apply/],
      [['produce', good, '-t', topic], 78, /no schema is registered[\s\S]*next: +etl apply/],
      [
        ['produce', good, '-t', topic, '--schema', schema],
        78,
        /not registered[\s\S]*next: +etl schema register/,
      ],
      [['produce', join(work.dir, 'none'), '-t', topic], 2, /cannot be opened/],
      [args(topic, good, '--key', 'nope'), 2, /no field 'nope'[\s\S]*next: +--key with one of: key, id/],
      [args(topic, good, '--on-bad', 'skip'), 2, /next: +--bad-file/],
      [args(topic, good, '--on-bad', 'skip', '--bad-file', good), 2, /overwrite the input/],
      [args(topic, broken), 2, /broken\.json:2:\d+[\s\S]*not valid JSON/],
      [args(topic, cut), 2, /cut\.json:1:21|before the '\]'/],
      [args(topic, good, '--brokers', '127.0.0.1:1'), 5, /127\.0\.0\.1:1/],
    ]
    for (const [command, exit, message] of cases) {
      const { code, stderr } = await etl(command)
      assert.match(stderr, message, command.join(' '))
      assert.equal(code, exit, `${command.join(' ')}\n${stderr}`)
      assert.doesNotMatch(stderr, /\n +at /)
    }
  })
})
