import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { ConfigError } from '../../../src/errors.ts'
import { openReader } from '../../../src/kafka/open.ts'
import { onAnswer, throughProxy } from './broker-proxy.ts'
import { config, temporaryTopic } from './fixture.ts'
import { Member, Positions } from './member.ts'

/** https://kafka.apache.org/protocol#protocol_api_keys and #protocol_error_codes */
const metadata = 3
const topicAuthorizationFailed = 29

/** What GroupReader promises beyond contract/. */
suite('group reader', () => {
  test('a group of another program cannot be joined, and says so', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const kafka = new Kafka({ brokers: [...config.brokers], logLevel: logLevel.NOTHING })
    const other = kafka.consumer({ groupId: topic })
    t.after(() => other.disconnect())
    await other.connect()
    await other.subscribe({ topic })
    const joined = new Promise((resolve) => other.on(other.events.GROUP_JOIN, resolve))
    await other.run({ eachMessage: async () => {} })
    await joined
    const reader = openReader(config, { group: topic, topics: [topic], clientId: 'test' })
    const member = new Member(t, reader, new Positions())
    await assert.rejects(member.running, (error) => {
      assert(error instanceof ConfigError)
      assert.match(error.message, /another program/)
      return true
    })
  })

  test('a topic that the user may not see is an error, not a topic without partitions', async (t) => {
    const topic = await temporaryTopic(t, 1)
    const { proxied, proxy } = await throughProxy(t)
    onAnswer(proxy, metadata, (answer) => {
      const at = answer.indexOf(topic)
      if (at >= 0) answer.writeInt16BE(topicAuthorizationFailed, at - 3) // before the length of the name
    })
    const reader = openReader(proxied, { group: topic, topics: [topic], clientId: 'test' })
    const member = new Member(t, reader, new Positions())
    await assert.rejects(member.running, (error) => {
      assert(error instanceof ConfigError)
      assert.match(error.message, new RegExp(`denies .*Describe on topic ${topic}`))
      return true
    })
  })
})
