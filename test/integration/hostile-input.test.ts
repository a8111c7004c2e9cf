import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { openProducer } from '../../src/kafka/open.ts'
import type { Compression } from '../../src/kafka/producer.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { encodeWireFormat } from '../../src/schema/wire-format.ts'
import { openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { peakMemory } from './hostile/memory.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const MiB = 1 << 20
const work = new Workspace('hostile')
const fields = [
  { name: 'id', type: 'int' },
  { name: 'more', type: ['null', 'string'], default: null },
]
after(() => work.remove())

async function send(
  topic: string,
  values: readonly Buffer[],
  compression: Compression = 'none',
  partition = 0,
): Promise<void> {
  const producer = openProducer(
    { brokers: servers().kafka, clientId: 'hostile' },
    { clientId: 'hostile', compression },
  )
  await producer.send(
    topic,
    partition,
    values.map((value) => ({ key: null, value })),
  )
  await producer.close()
}

async function newTopic(name: string, ...flags: string[]): Promise<string> {
  const topic = work.topic(name)
  await etlJson(['apply', '-t', topic, '--schema', work.schema(name, fields), '-s', 'postgres', ...flags])
  return topic
}

describe('record batches that become large', { concurrency: false }, () => {
  it('300 MB stop their partition, with its offset, and no other, in every codec', async () => {
    const codecs = ['gzip', 'zstd', 'lz4', 'snappy'] as const
    const topic = await newTopic('bombs', '-p', '5', '--topic-config', 'max.message.bytes=20000000')
    await etlJson(['produce', '-t', topic, '--generate', '50'])
    for (const [partition, codec] of codecs.entries())
      await send(topic, [Buffer.alloc(300 * MiB)], codec, partition)
    const started = startEtl(['consume', '-t', topic, '-s', 'postgres', '--until-end', '--threads', '1'])
    const [{ code, stderr }, peak] = await Promise.all([started.output, peakMemory(started)])
    assert.equal(code, 1, stderr)
    for (const [partition, codec] of codecs.entries()) {
      const lines = [
        `partition ${partition} failed: ${codec} data of a record batch would take .*; the limit is 268435456 bytes`,
        ` {2}where: ${topic}-${partition} offsets (\\d+) to \\1`,
      ]
      assert.match(stderr, new RegExp(lines.join('\n')))
    }
    assert.match(stderr, /next: {2}look at who writes such batches/)
    assert(peak < 1200, `${peak} MB`)
    const db = await openDatabase('postgres')
    // What stands before the bombs is stored, in every partition.
    assert.equal(await db.value(`SELECT count(*) FROM "${topic}"`), '50')
    await db.close()
  })
})

describe('Avro that claims what it does not hold', { concurrency: false }, () => {
  it('each is a dead letter, and the records around it are rows', async () => {
    const topic = work.topic('claims')
    const tree = {
      type: 'record',
      name: 'Tree',
      fields: [
        { name: 'children', type: { type: 'array', items: 'Tree' } },
        { name: 'next', type: ['null', 'Tree'], default: null },
      ],
    }
    const deep = [
      { name: 'id', type: 'int' },
      { name: 'list', type: { type: 'array', items: 'long' } },
      { name: 'map', type: { type: 'map', values: 'null' } },
      { name: 'text', type: 'string' },
      { name: 'tree', type: tree },
    ]
    await etlJson([
      'apply',
      '-t',
      topic,
      '--schema',
      work.schema('claims', deep),
      '-s',
      'postgres',
      '-s',
      'mysql',
      '-p',
      '1',
    ])
    const registry = openRegistry({ url: servers().registryUrl })
    const id = (await registry.latest(`${topic}-value`))?.id ?? 0
    registry.close()
    // 2^31 and -2^31 as zigzag varints; then `id`, `list`, `map`, `text`, `tree` in order.
    const [huge, negative] = [
      [0x80, 0x80, 0x80, 0x80, 0x10],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
    ]
    const good = [2, 0, 0, 0, 0, 0]
    const bad = [
      [2, ...huge, 2],
      [2, ...negative, ...huge, 2],
      [2, ...negative, 4, 2],
      [2, 0, ...huge, 0],
      [2, 0, ...negative, 2, 0],
      [2, 0, 0, ...huge, 0x61],
      [2, 0, 0, ...negative],
      [2, 0, 0, 0, ...huge, 0],
      [2, 0, 0, 0, 0, 4],
      [2, 0, 0, 0, 0, 1],
      [0x80],
      Array.from({ length: 11 }, () => 0xff),
      [2, 0, 0, 0, ...Array.from({ length: 10_000 }, () => [0, 2]).flat()],
      [2, 0, 0, 0, ...Array.from({ length: 10_000 }, () => 2)],
    ]
    const values = bad
      .flatMap((bytes) => [bytes, good])
      .map((bytes) => encodeWireFormat(id, Buffer.from(bytes)))
    await send(topic, values)
    for (const kind of ['postgres', 'mysql']) {
      const started = startEtl(['consume', '-t', topic, '-s', kind, '--until-end', '--json'])
      const [{ code, stdout, stderr }, peak] = await Promise.all([started.output, peakMemory(started)])
      assert.equal(code, 0, stdout + stderr)
      const run = JSON.parse(stdout)
      assert.deepEqual([run.written, run.deadLettered], [bad.length, bad.length])
      assert(peak < 500, `${peak} MB`)
      assert.equal((await etl(['verify-offsets', '-t', topic, '-s', kind])).code, 0)
    }
  })

  it('a small schema of 2^50 records holds up no one', async () => {
    const topic = await newTopic('diamond')
    const registry = openRegistry({ url: servers().registryUrl })
    let type: unknown = { type: 'record', name: 'R0', fields: [] }
    for (let i = 1; i <= 50; i++)
      type = {
        type: 'record',
        name: `R${i}`,
        fields: [
          { name: 'a', type },
          { name: 'b', type: `R${i - 1}` },
        ],
      }
    const schema = JSON.stringify({
      type: 'record',
      name: 'Row',
      namespace: 'com.exam',
      fields: [...fields, { name: 'd', type }],
    })
    const id = await registry.register(`${topic}-other`, { schema })
    registry.close()
    await send(topic, [encodeWireFormat(id, Buffer.of(2, 0))])
    await etlJson(['produce', '-t', topic, '--generate', '10'])
    const run = await etlJson(['consume', '-t', topic, '-s', 'postgres', '--until-end'])
    assert.deepEqual([run.written, run.deadLettered], [10, 1])
  })
})

describe('files that are none', { concurrency: false }, () => {
  let topic: string
  before(async () => {
    topic = await newTopic('files')
  })

  it('JSON nested 100,000 levels', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const file = work.file('nested.ndjson', `{"id":1,"more":${nested}}\n`)
    const produced = await etl(['produce', file, '-t', topic])
    assert.equal(produced.code, 2)
    assert.match(produced.stderr, /the field more does not fit[\s\S]*where: .*nested\.ndjson:1/)
    const made = await etl(['schema', 'gen', file, '--stdout'])
    assert.equal(made.code, 2)
    assert.match(made.stderr, /where: .*nested\.ndjson:1:\d+\n {2}why: {3}nested deeper than 512 levels/)
  })

  it('a line that does not end', async () => {
    const file = work.file('endless.ndjson', `{"id":1,"more":"${'x'.repeat(200 * MiB)}`)
    for (const args of [
      ['produce', file, '-t', topic],
      ['schema', 'gen', file, '--stdout'],
    ]) {
      const started = startEtl(args)
      const [{ code, stderr }, peak] = await Promise.all([started.output, peakMemory(started)])
      assert.equal(code, 2, stderr)
      assert.match(stderr, /longer than 64 MB/)
      assert(peak < 700, `${peak} MB`)
    }
  })

  it('bytes that are no UTF-8', async () => {
    const { code, stderr } = await etl(['schema', 'gen', '-', '--name', 'x', '--stdout'], { input: '' })
    assert.equal(code, 2, stderr)
    const file = work.file('bad.ndjson', '')
    writeFileSync(
      file,
      Buffer.concat([Buffer.from('{"id":1}\n{"id":2,"more":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}\n')]),
    )
    const produced = await etl(['produce', file, '-t', topic])
    assert.equal(produced.code, 2)
    assert.match(produced.stderr, /where: .*bad\.ndjson:2\n {2}why: {3}the bytes are not UTF-8/)
    const made = await etl(['schema', 'gen', file, '--stdout'])
    assert.equal(made.code, 2)
    assert.match(made.stderr, /not valid UTF-8\n {2}where: .*bad\.ndjson:2/)
  })

  it('schemas of 10,000 levels and of 10,000 fields', async () => {
    const levels = `${'{"type":"array","items":'.repeat(10_000)}"int"${'}'.repeat(10_000)}`
    const deep = work.file(
      'deep.avsc',
      `{"type":"record","name":"D","fields":[{"name":"a","type":${levels}}]}`,
    )
    const names = Array.from({ length: 10_000 }, (_, i) => ({ name: `f${i}`, type: 'int' }))
    const wide = work.schema('wide', names)
    const subject = ['--subject', `${topic}-none`]
    const checked = await etl(['schema', 'check', deep, ...subject])
    assert.equal(checked.code, 2)
    assert.match(checked.stderr, /nested deeper than 512 levels/)
    assert.equal((await etl(['schema', 'check', wide, ...subject])).code, 0)
    const planned = await etl(['plan', '-t', `${topic}_wide`, '--schema', wide, '-s', 'postgres'])
    assert.equal(planned.code, 78)
    assert.match(planned.stderr, /more than 4096 columns/)
    const sample = work.file(
      'wide.ndjson',
      `${JSON.stringify(Object.fromEntries(names.map(({ name }) => [name, 1])))}\n`,
    )
    const made = await etl(['schema', 'gen', sample, '--stdout'])
    assert.equal(made.code, 2)
    assert.match(made.stderr, /more than 1000 different fields/)
  })
})
