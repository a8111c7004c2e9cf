import assert from 'node:assert/strict'
import { delimiter } from 'node:path'
import { it } from 'node:test'
import { compareWithConsoleConsumer } from '../../src/audit/console-consumer.ts'
import { openProducer } from '../../src/kafka/open.ts'
import { artifactsOf } from '../../src/stack/artifacts.ts'
import { cacheFolder } from '../../src/stack/cache-folder.ts'
import { cachedFile } from '../../src/stack/download.ts'
import { findJava } from '../../src/stack/java.ts'
import { config, TransactionalWriter, temporaryTopic } from './kafka/fixture.ts'

it("sees the same committed records, byte for byte, as Kafka's own console consumer", async (t) => {
  const topic = await temporaryTopic(t, 2)
  const producer = openProducer(config, { clientId: 'audit-test' })
  t.after(() => producer.close())
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  await producer.send(topic, 1, [
    { key: bytes, value: bytes },
    { key: null, value: Buffer.from('null') },
    { key: Buffer.alloc(0), value: null },
    { key: Buffer.from('\\N'), value: Buffer.from('a\tb\nc\\') },
  ])
  const writer = new TransactionalWriter(t, topic)
  for (const how of ['commit', 'abort', 'commit'] as const) {
    await writer.send('one', [{ value: how }, { key: '1', value: '😀' }])
    await writer.end('one', how)
  }
  await writer.settledEnd()
  const jars = artifactsOf('kafka').map((artifact) => cachedFile(cacheFolder(), artifact))
  const command = { java: (await findJava()).path, classpath: jars.join(delimiter) }
  const partitions = await compareWithConsoleConsumer(config, topic, command)
  assert.deepEqual(
    partitions.map(({ partition, ours, kafkas, same }) => [partition, ours.records, kafkas.records, same]),
    [
      [0, 4, 4, true],
      [1, 4, 4, true],
    ],
  )
  assert.notEqual(partitions[0]?.ours.digest, partitions[1]?.ours.digest)
})
