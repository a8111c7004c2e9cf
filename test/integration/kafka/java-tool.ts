import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { readStackState } from '../../../src/stack/state.ts'

/** Runs a class of Kafka's own distribution with the Java and the jars of the running broker; returns its output. */
export async function kafkaTool(mainClass: string, arguments_: readonly string[]): Promise<string> {
  const pid = readStackState()?.services.kafka?.pid
  if (pid === undefined) throw new Error('the local stack runs no Kafka')
  const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
  const classpath = environment.find((entry) => entry.startsWith('CLASSPATH='))?.slice('CLASSPATH='.length)
  const java = await readlink(`/proc/${pid}/exe`)
  const { stdout } = await promisify(execFile)(
    java,
    ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', mainClass, ...arguments_],
    { env: { ...process.env, CLASSPATH: classpath }, maxBuffer: 1 << 26 },
  )
  return stdout
}

/** Values that Kafka's console consumer shows of a topic's committed records. */
export async function consoleConsumer(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<string[]> {
  const output = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    '--bootstrap-server',
    brokers.join(','),
    '--topic',
    topic,
    '--from-beginning',
    '--isolation-level',
    'read_committed',
    '--max-messages',
    String(count),
    '--timeout-ms',
    '30000',
  ])
  return output.split('\n').filter((line) => line !== '')
}
