import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { loopback } from './ports.ts'
import { probeKafka } from './probe.ts'
import { writeSecret } from './secure/files.ts'
import { grant, grantsOfEtl } from './secure/kafka-acls.ts'
import {
  jwksSystemProperties,
  type ListenerPorts,
  listenersOf,
  scramArguments,
  secureProperties,
} from './secure/kafka-listeners.ts'
import type { Launch, Service, ServiceContext } from './service.ts'

/** One Kafka node in KRaft mode, broker and controller in one process. */
export const kafka: Service<'kafka'> = {
  name: 'kafka',
  label: 'Kafka',
  usualPort: 9092,
  extraPorts: (secure) => (secure ? 3 : 1),
  needsJava: true,
  refusesRoot: false,
  stopSignal: 'SIGTERM',

  async prepare(context) {
    const config = join(context.data, 'server.properties')
    await mkdir(context.data, { recursive: true, mode: 0o700 })
    writeSecret(config, serverProperties(context)) // in a secured stack with passwords in it
    if (!existsSync(join(logDirs(context), 'meta.properties'))) await format(context, config)
    const flags = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC']
    const keys = context.secure ? jwksSystemProperties(context.secure) : []
    return java(context, [...flags, ...keys], ['kafka.Kafka', config])
  },

  describe(process, context) {
    const { secure, extraPorts, properties } = context
    return {
      ...process,
      brokers: [`${loopback}:${process.port}`],
      controllerPort: extraPorts[0] ?? 0,
      ...(secure ? { listeners: listenersOf(portsOf(context)) } : {}),
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
    }
  },

  probe: ({ port, listeners }) =>
    probeKafka(listeners ? portOf(listeners.sasl) : port, listeners !== undefined),
  provision: ({ port, listeners }, files) =>
    grant(listeners ? portOf(listeners.mtls) : port, files, grantsOfEtl),
  address: ({ port }) => `${loopback}:${port}`,
}

/** In a secured stack the first port is for what its etl.yaml uses: certificate and SCRAM. */
function portsOf({ port, extraPorts }: ServiceContext): ListenerPorts {
  const [controller = 0, sasl = 0, mtls = 0] = extraPorts
  return { saslMtls: port, controller, sasl, mtls }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

/** Gives the storage a cluster id; once in its life. */
async function format(context: ServiceContext, config: string): Promise<void> {
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', config]
  const flags = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  await withUsers(context, (users) => context.run(java(context, flags, [...tool, ...users])))
}

/** The SCRAM users as arguments from a file (argparse4j's `@FILE`): everyone can read a command line. */
async function withUsers(
  { secure, data }: ServiceContext,
  use: (users: readonly string[]) => Promise<void>,
): Promise<void> {
  if (!secure) return use([])
  const file = join(data, 'scram-users')
  writeSecret(file, `${scramArguments(secure).join('\n')}\n`)
  try {
    await use([`@${file}`])
  } finally {
    await rm(file, { force: true })
  }
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
    // Kafka's own 6 s would make every test of a dead member (and each of etl chaos) as long.
    'group.min.session.timeout.ms': 1000,
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
    ...(context.secure ? secureProperties(context.secure, portsOf(context)) : {}),
    ...context.properties,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${escaped(String(value))}`)
  return `# Written by etl stack up at every start.\n${lines.join('\n')}\n`
}

/** Backslashes escape in Java's properties files. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\')
}
