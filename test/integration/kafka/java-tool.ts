import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { promisify } from 'node:util'
import { artifactsOf } from '../../../src/stack/artifacts.ts'
import { cacheFolder } from '../../../src/stack/cache-folder.ts'
import { cachedFile } from '../../../src/stack/download.ts'
import { findJava } from '../../../src/stack/java.ts'

/** Runs a class of the Kafka distribution that `etl stack` runs, against any broker; returns its output. */
export async function kafkaTool(mainClass: string, arguments_: readonly string[]): Promise<string> {
  const jars = artifactsOf('kafka').map((artifact) => cachedFile(cacheFolder(), artifact))
  const { stdout } = await promisify(execFile)(
    (await findJava()).path,
    ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', mainClass, ...arguments_],
    { env: { ...process.env, CLASSPATH: jars.join(delimiter) }, maxBuffer: 1 << 26 },
  )
  return stdout
}

/** Values that Kafka's console consumer shows of a topic's committed records, in offset order for one partition. */
export async function consoleConsumer(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<string[]> {
  const output = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
    ...['--isolation-level', 'read_committed', '--max-messages', String(count), '--timeout-ms', '30000'],
  ])
  return output.split('\n').filter((line) => line !== '')
}

/** Writes with Kafka's own producer: random upper case letters, as many batches as its settings make. */
export async function javaProducer(
  brokers: readonly string[],
  topic: string,
  {
    count,
    size,
    settings,
  }: { count: number; size: number; settings: Readonly<Record<string, string | number>> },
): Promise<void> {
  const properties = Object.entries({ 'bootstrap.servers': brokers.join(','), ...settings })
  await kafkaTool('org.apache.kafka.tools.ProducerPerformance', [
    ...['--topic', topic, '--num-records', `${count}`, '--record-size', `${size}`, '--throughput', '-1'],
    ...['--producer-props', ...properties.map(([name, value]) => `${name}=${value}`)],
  ])
}
