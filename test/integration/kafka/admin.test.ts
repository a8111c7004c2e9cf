import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError, UnreachableError } from '../../../src/errors.ts'
import { openAdmin } from '../../../src/kafka/open.ts'
import { config, temporaryTopic } from './fixture.ts'

suite('admin', () => {
  const nowhere = { brokers: ['127.0.0.1:1'], clientId: 'test' }

  test('topics: looked at, made, widened, set, deleted', async (t) => {
    const topic = await temporaryTopic(t, 3, { 'cleanup.policy': 'compact' })
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const info = await admin.topic(topic)
    assert.equal(info?.partitions, 3)
    assert.equal(info?.replicationFactor, 1)
    assert.match(info?.topicId ?? '', /^[A-Za-z0-9_-]{22}$/)
    assert.equal((await admin.topicConfig(topic)).get('cleanup.policy'), 'compact')
    await admin.alterTopicConfig(topic, new Map([['retention.ms', '12345']]))
    const changed = await admin.topicConfig(topic)
    assert.equal(changed.get('retention.ms'), '12345')
    assert.equal(changed.get('cleanup.policy'), 'compact')
    await admin.createPartitions(topic, 5)
    assert.equal((await admin.topic(topic))?.partitions, 5)
    assert.equal((await admin.endOffsets(topic)).size, 5)
    assert.equal((await admin.groupOffsets('no-such-group', topic)).size, 0)
    await admin.deleteTopic(topic)
    assert.equal(await admin.topic(topic), undefined)
  })

  test('a topic has another id after it was made anew', async (t) => {
    const topic = await temporaryTopic(t)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const before = (await admin.topic(topic))?.topicId
    await admin.deleteTopic(topic)
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor: -1, config: new Map() })
    assert.notEqual((await admin.topic(topic))?.topicId, before)
  })

  test('what the cluster refuses is a configuration error that says why', async (t) => {
    const topic = await temporaryTopic(t)
    const admin = openAdmin(config)
    t.after(() => admin.close())
    const spec = { name: topic, partitions: 1, replicationFactor: -1, config: new Map<string, string>() }
    const refused: [() => Promise<unknown>, RegExp][] = [
      [() => admin.createTopic(spec), /exists/],
      [() => admin.createTopic({ ...spec, name: 'not/a/name' }), /name is not valid/],
      [() => admin.createTopic({ ...spec, name: `${topic}x`, replicationFactor: 9 }), /replication factor/],
      [() => admin.createPartitions(topic, 1), /only grow/],
      [() => admin.alterTopicConfig(topic, new Map([['no.such', '1']])), /no\.such/],
      [() => admin.endOffsets(`${topic}-absent`), /does not exist/],
      [() => admin.deleteTopic(`${topic}-absent`), /does not exist/],
    ]
    for (const [call, message] of refused) {
      await assert.rejects(call, (error) => {
        assert(error instanceof ConfigError, String(error))
        assert.match(error.message, message)
        return true
      })
    }
  })

  test('no broker at the address: unreachable, with the address and what to do', async (t) => {
    const admin = openAdmin(nowhere)
    t.after(() => admin.close())
    await assert.rejects(admin.clusterId(), (error) => {
      assert(error instanceof UnreachableError)
      assert.match(error.message, /127\.0\.0\.1:1/)
      assert.match(error.next ?? '', /etl stack up/)
      return true
    })
  })
})
