import { spawn } from 'node:child_process'
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { UnexpectedError } from '../errors.ts'
import type { KafkaConfig } from '../kafka/config.ts'
import { openAdmin, openPartitionReader } from '../kafka/open.ts'
import type { KafkaRecord } from '../kafka/types.ts'

/** How to start a class of Kafka's distribution. */
export interface JavaCommand {
  readonly java: string
  readonly classpath: string
}

/** What two readers saw of one partition. */
export interface ReaderComparison {
  readonly partition: number
  readonly ours: LogDigest
  /** Of Kafka's own console consumer. */
  readonly kafkas: LogDigest
  readonly same: boolean
}

export interface LogDigest {
  readonly records: number
  /** SHA-256 of offset, key and value of all records, in order. */
  readonly digest: string
}

/** Milliseconds without a record after which Kafka's consumer is at the end. */
const idleTimeout = 10_000

/**
 * Reads a whole topic, committed records only, twice: by our reader and by Kafka's own console consumer, and compares partition, offset,
 * key and value of every record. Nobody may write to the topic meanwhile. Takes ten seconds more than the reading.
 * Throws UnexpectedError when the Java program fails.
 */
export async function compareWithConsoleConsumer(
  kafka: KafkaConfig,
  topic: string,
  command: JavaCommand,
): Promise<ReaderComparison[]> {
  const ours = await readOurselves(kafka, topic)
  const total = [...ours.values()].reduce((sum, digest) => sum + digest.records, 0)
  const kafkas = await readWithJava(kafka, topic, command, total + 1)
  const partitions = new Set([...ours.keys(), ...kafkas.keys()])
  return [...partitions]
    .sort((a, b) => a - b)
    .map((partition) => {
      const pair = {
        ours: (ours.get(partition) ?? new RunningDigest()).result(),
        kafkas: (kafkas.get(partition) ?? new RunningDigest()).result(),
      }
      return { partition, ...pair, same: pair.ours.digest === pair.kafkas.digest }
    })
}

class RunningDigest {
  records = 0
  readonly #hash: Hash = createHash('sha256')

  add(line: string): void {
    this.records++
    this.#hash.update(line).update('\n')
  }

  result(): LogDigest {
    return { records: this.records, digest: this.#hash.copy().digest('hex') }
  }
}

async function readOurselves(kafka: KafkaConfig, topic: string): Promise<Map<number, RunningDigest>> {
  const admin = openAdmin(kafka)
  const reader = openPartitionReader(kafka)
  try {
    const [starts, ends] = [await admin.startOffsets(topic), await admin.endOffsets(topic)]
    const digests = new Map<number, RunningDigest>()
    for (const [partition, end] of ends) {
      const digest = new RunningDigest()
      digests.set(partition, digest)
      const start = starts.get(partition) ?? 0n
      if (start >= end) continue
      for await (const { records } of reader.read({ topic, partition }, start, end)) {
        for (const record of records) digest.add(lineOf(record))
      }
    }
    return digests
  } finally {
    await Promise.all([admin.close(), reader.close()])
  }
}

/** The line that Kafka's formatter prints, without the partition. */
function lineOf({ offset, key, value }: KafkaRecord): string {
  return `Offset:${offset}\t${printable(key)}\t${printable(value)}`
}

/** As org.apache.kafka.common.utils.Bytes prints itself: all but printable ASCII as \xHH, and the backslash too. */
function printable(bytes: Buffer | null): string {
  if (bytes === null) return nullText
  let text = ''
  for (const byte of bytes) {
    text +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

/** Kafka's formatter prints it like bytes, so it has to be text that nobody wrote. */
const nullText = `null-${randomUUID()}`

async function readWithJava(
  { brokers }: KafkaConfig,
  topic: string,
  { java, classpath }: JavaCommand,
  max: number,
): Promise<Map<number, RunningDigest>> {
  const bytes = 'org.apache.kafka.common.serialization.BytesDeserializer'
  const properties = [
    ...['print.partition=true', 'print.offset=true', 'print.key=true', 'print.value=true'],
    ...[`key.deserializer=${bytes}`, `value.deserializer=${bytes}`, `null.literal=${nullText}`],
  ]
  const child = spawn(
    java,
    [
      ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...[
        '--isolation-level',
        'read_committed',
        '--max-messages',
        `${max}`,
        '--timeout-ms',
        `${idleTimeout}`,
      ],
      ...properties.flatMap((property) => ['--formatter-property', property]),
    ],
    { env: { ...process.env, CLASSPATH: classpath }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const closed = once(child, 'close')
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors = `${errors}${text}`.slice(-4000)
  })
  const digests = new Map<number, RunningDigest>()
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    const [, partition, rest] = /^Partition:(\d+)\t(.*)$/.exec(line) ?? []
    if (partition === undefined || rest === undefined) continue
    const digest = digests.get(Number(partition)) ?? new RunningDigest()
    digests.set(Number(partition), digest)
    digest.add(rest)
  }
  await closed
  // At the end it says how many it has seen; a program that failed does not.
  if (!/Processed a total of \d+ messages/.test(errors))
    throw new UnexpectedError("Kafka's console consumer failed", { where: topic, cause: errors })
  return digests
}
