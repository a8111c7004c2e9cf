import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type EtlError, ExitCode } from '../../../src/errors.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { openPartitionReader, openProducer, openReader, openTransactions } from '../../../src/kafka/open.ts'
import { etl } from '../etl.ts'
import { createTopic, failure, newTopic, withAdmin } from './clients.ts'
import type { SecureStack } from './stack.ts'

/** One denied right of each kind. */
export function describeAcls(stack: SecureStack): void {
  describe('a denied right is named, with the line that grants it', () => {
    const value = Buffer.from('x')
    async function produce(config: KafkaConfig, topic: string): Promise<void> {
      const producer = openProducer(config, { clientId: 'test', deliveryTimeout: 20_000 })
      try {
        await producer.send(topic, 0, [{ key: null, value, headers: [] }])
      } finally {
        await producer.close()
      }
    }
    async function read(config: KafkaConfig, topic: string): Promise<void> {
      const reader = openPartitionReader(config)
      try {
        for await (const _ of reader.read({ topic, partition: 0 }, 0n, 1n)) break
      } finally {
        await reader.close()
      }
    }
    async function join(config: KafkaConfig, topic: string, group: string): Promise<void> {
      const reader = openReader(config, { clientId: 'test', topics: [topic], group })
      reader.onAssign(async (tps) => new Map(tps.map((tp) => [tp, 0n])))
      reader.onRevoke(async () => {})
      try {
        for await (const _ of reader.batches()) break
      } finally {
        await reader.close()
      }
    }
    function assertDenied(error: EtlError, user: string, right: string): void {
      assert.equal(error.code, 'access_denied', `${error.message} ${error.cause}`)
      assert.equal(error.exitCode, ExitCode.badConfig)
      const [, operation = ''] = /--operation (\S+)/.exec(right) ?? []
      assert.match(error.message, new RegExp(`Kafka denies User:${user} the operation ${operation} on`))
      assert(error.next?.endsWith(`--add --allow-principal User:${user} ${right}`), error.next)
    }

    test('describe, create', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('hidden'))
      const config = await stack.user('nobody', [])
      assertDenied(
        await failure(withAdmin(config, (a) => a.topic(topic))),
        'nobody',
        `--operation Describe --topic ${topic}`,
      )
      const fresh = newTopic('fresh')
      assertDenied(await failure(createTopic(config, fresh)), 'nobody', `--operation Create --topic ${fresh}`)
      await stack.grant('nobody', [{ resource: 'topic', name: fresh, operations: ['create', 'describe'] }])
      await createTopic(config, fresh)
    })

    test('read a topic, and a group', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('read'))
      await produce(stack.password('plain'), topic)
      const config = await stack.user('reader', [
        { resource: 'topic', name: topic, operations: ['describe'] },
      ])
      assertDenied(await failure(read(config, topic)), 'reader', `--operation Read --topic ${topic}`)
      await stack.grant('reader', [{ resource: 'topic', name: topic, operations: ['read'] }])
      await read(config, topic)
      assertDenied(
        await failure(join(config, topic, 'team-a')),
        'reader',
        '--operation Describe --group team-a',
      )
      await stack.grant('reader', [{ resource: 'group', name: 'team-a', operations: ['describe'] }])
      assertDenied(await failure(join(config, topic, 'team-a')), 'reader', '--operation Read --group team-a')
      await stack.grant('reader', [{ resource: 'group', name: 'team-a', operations: ['read'] }])
      await join(config, topic, 'team-a')
    })

    test('write to a topic, and write idempotently at all', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('write'))
      const config = await stack.user('writer', [
        { resource: 'topic', name: topic, operations: ['describe'] },
      ])
      assertDenied(await failure(produce(config, topic)), 'writer', '--operation IdempotentWrite --cluster')
      await stack.grant('writer', [
        { resource: 'cluster', name: 'kafka-cluster', operations: ['idempotentWrite'] },
      ])
      assertDenied(await failure(produce(config, topic)), 'writer', `--operation Write --topic ${topic}`)
      await stack.grant('writer', [{ resource: 'topic', name: topic, operations: ['write'] }])
      await produce(config, topic)
    })

    test('a transactional id', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('transactions'))
      const config = await stack.user('booker', [
        { resource: 'topic', name: topic, operations: ['write', 'describe'] },
      ])
      const transactions = openTransactions(config, { clientId: 'test', deliveryTimeout: 20_000 })
      try {
        const error = await failure(transactions.take('etl-x', topic))
        assertDenied(error, 'booker', '--operation Describe --transactional-id etl-x')
        await stack.grant('booker', [
          { resource: 'transactionalId', name: 'etl-x', operations: ['describe'] },
        ])
        assertDenied(
          await failure(transactions.take('etl-x', topic)),
          'booker',
          '--operation Write --transactional-id etl-x',
        )
      } finally {
        transactions.close()
      }
    })

    test('alter settings and partitions, read settings, delete', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('settings'))
      const config = await stack.user('keeper', [
        { resource: 'topic', name: topic, operations: ['describe'] },
      ])
      const right = (operation: string) => `--operation ${operation} --topic ${topic}`
      const entries = new Map([['retention.ms', '1000000']])
      assertDenied(
        await failure(withAdmin(config, (a) => a.alterTopicConfig(topic, entries))),
        'keeper',
        right('AlterConfigs'),
      )
      assertDenied(
        await failure(withAdmin(config, (a) => a.createPartitions(topic, 2))),
        'keeper',
        right('Alter'),
      )
      assertDenied(
        await failure(withAdmin(config, (a) => a.topicConfig(topic))),
        'keeper',
        right('DescribeConfigs'),
      )
      assertDenied(await failure(withAdmin(config, (a) => a.deleteTopic(topic))), 'keeper', right('Delete'))
    })

    test('the command line says it, too', async () => {
      const topic = await createTopic(stack.password('scram-sha-256'), newTopic('cli'))
      const { cert, key } = stack.authority.issue({ commonName: 'stranger' })
      const env = {
        ETL_BROKERS: stack.listeners.mtls,
        ETL_KAFKA_TLS_CA: stack.files.ca,
        ETL_KAFKA_TLS_CERT: stack.write('stranger.pem', cert),
        ETL_KAFKA_TLS_KEY: stack.write('stranger.key', key),
        ...stack.env,
      }
      const { code, stderr } = await etl(
        ['produce', stack.write('one.ndjson', '{"id":1,"text":"a"}\n'), '-t', topic],
        { env, cwd: stack.dir },
      )
      assert.equal(code, ExitCode.badConfig)
      assert.match(stderr, /Kafka denies User:stranger the operation Describe on topic cli_/)
      assert.match(
        stderr,
        /next: {2}kafka-acls\.sh .*--add --allow-principal User:stranger --operation Describe --topic cli_/,
      )
    })
  })
}
