import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { loopback } from './ports.ts'
import { probeKafka } from './probe.ts'
import type { Launch, Service, ServiceContext } from './service.ts'

/** One Kafka node in KRaft mode, broker and controller in one process. */
export const kafka: Service<'kafka'> = {
  name: 'kafka',
  label: 'Kafka',
  usualPort: 9092,
  extraPorts: 1,
  needsJava: true,
  refusesRoot: false,
  stopSignal: 'SIGTERM',

  async prepare(context) {
    const config = join(context.data, 'server.properties')
    await mkdir(context.data, { recursive: true })
    await writeFile(config, serverProperties(context))
    if (!existsSync(join(logDirs(context), 'meta.properties'))) await format(context, config)
    return java(context, ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC'], ['kafka.Kafka', config])
  },

  describe(process, { extraPorts }) {
    return {
      ...process,
      brokers: [`${loopback}:${process.port}`],
      controllerPort: extraPorts[0] ?? 0,
    }
  },

  probe: ({ port }) => probeKafka(port),
  address: ({ port }) => `${loopback}:${port}`,
}

/** Gives the storage a cluster id; once in its life. */
async function format(context: ServiceContext, config: string): Promise<void> {
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', config]
  await context.run(java(context, ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'], tool))
}

/** A Kafka Uuid: 16 random bytes in URL-safe base64; one that starts with '-' would look like an option. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

function java(context: ServiceContext, flags: string[], main: string[]): Launch {
  const logging = [
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
    '-Dorg.slf4j.simpleLogger.showThreadName=false',
  ]
  return {
    command: context.java ?? 'java',
    args: [...flags, ...logging, ...main],
    // In the environment, not in the arguments: `ps` stays readable.
    env: { ...process.env, CLASSPATH: context.artifacts.join(delimiter) },
    cwd: dirname(context.log),
  }
}

function logDirs(context: ServiceContext): string {
  return join(context.data, 'log')
}

/** Few partitions and small buffers in what Kafka keeps for itself: this cluster has one node and one user. */
function serverProperties(context: ServiceContext): string {
  const [controllerPort] = context.extraPorts
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${loopback}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${loopback}:${context.port},CONTROLLER://${loopback}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${loopback}:${context.port}`,
    'log.dirs': logDirs(context),
    'auto.create.topics.enable': 'false',
    'num.partitions': 3,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'log.index.size.max.bytes': 2 * 1024 * 1024,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'num.io.threads': 4,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${escaped(String(value))}`)
  return `# Written by etl stack up at every start.\n${lines.join('\n')}\n`
}

/** Backslashes escape in Java's properties files. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\')
}
