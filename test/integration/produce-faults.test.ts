import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startEtl } from './etl.ts'
import { OwnCluster } from './kafka/brokers/own-cluster.ts'
import { ndjson, rowFields, WatchedTopic } from './produce-runs.ts'
import { Workspace } from './workspace.ts'

const records = 200_000
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('etl produce while brokers die', () => {
  let work: Workspace
  let cluster: OwnCluster
  let file: string
  let schema: string
  const cleanUp: (() => Promise<void>)[] = []

  before(async () => {
    work = new Workspace('produce-faults')
    cluster = await OwnCluster.start({ after: (f: () => Promise<void>) => void cleanUp.push(f) })
    file = work.file('rows.ndjson', ndjson(0, records))
    schema = work.schema('row', rowFields)
  })
  after(async () => {
    for (const f of cleanUp.reverse()) await f()
    await work.remove()
  })

  async function newTopic(name: string): Promise<WatchedTopic> {
    const topic = new WatchedTopic(cluster.config, name)
    cleanUp.push(() => topic.close())
    await topic.create()
    return topic
  }

  const args = (topic: WatchedTopic, ...more: string[]) => [
    'produce',
    file,
    ...['-t', topic.name, '--schema', schema, '--register', '--subject', 'produce_faults-value'],
    ...['--key', 'key', '--brokers', cluster.config.brokers.join(',')],
    ...more,
  ]

  async function assertExact(topic: WatchedTopic): Promise<void> {
    const log = await topic.rows()
    const ids = log.flat().map(({ id }) => id)
    assert.equal(ids.length, records)
    assert.deepEqual(
      ids.sort((a, b) => a - b),
      upTo(records),
    )
    for (const rows of log) {
      for (let i = 1; i < rows.length; i++) assert.ok((rows[i - 1]?.id ?? 0) < (rows[i]?.id ?? 0), 'order')
    }
  }

  for (const how of [[], ['--resume']]) {
    it(`goes on by itself when the broker is killed and comes back (${how.join() || 'plain'})`, async () => {
      const topic = await newTopic(`restart${how.length}`)
      const started = startEtl(args(topic, ...how))
      await topic.grown(0n, started)
      await cluster.killNode(1)
      await delay(Math.random() * 500)
      await cluster.startNode(1)
      const { code, stdout, stderr } = await started.output
      assert.equal(code, 0, stderr)
      assert.match(stdout, /sent +200,000 records/)
      await assertExact(topic)
    })
  }

  it('gives up after the delivery time-out, says what is committed and what to do; the same command then goes on', async () => {
    const topic = await newTopic('lost')
    const command = args(topic, '--resume', '--json')
    const started = startEtl([...command, '--delivery-timeout', '2s'])
    await topic.grown(0n, started)
    await cluster.killNode(1)
    const { code, stdout } = await started.output
    const result = JSON.parse(stdout)
    await cluster.startNode(1)
    assert.deepEqual([code, result.end, result.error.code], [5, 'failed', 'unreachable'])
    assert.match(result.error.next, /the same command again/)
    assert.equal(result.read, result.sent + result.unacknowledged)
    const rest = await startEtl(command).output
    assert.equal(rest.code, 0, rest.stdout)
    const { resumed, sent } = JSON.parse(rest.stdout)
    assert.equal((resumed[0].earlier ?? 0) + sent, records)
    assert.ok((resumed[0].earlier ?? 0) >= result.sent, 'what was told as sent is committed')
    await assertExact(topic)
  })

  it('without --resume the failure says what was acknowledged, and how such a run can be continued', async () => {
    const topic = await newTopic('lost_plain')
    const started = startEtl(args(topic, '--delivery-timeout', '2s'))
    await topic.grown(0n, started)
    await cluster.killNode(1)
    const { code, stdout, stderr } = await started.output
    await cluster.startNode(1)
    assert.equal(code, 5, stderr)
    // A thread that had not sent anything yet has no producer id, and names the broker.
    assert.match(stderr, /(were not acknowledged within 2 s|no Kafka broker answered)[\s\S]*next:.*--resume/)
    assert.match(stdout, /sent +[\d,]+ records[\s\S]*unknown +[\d,]+ records/)
  })
})
