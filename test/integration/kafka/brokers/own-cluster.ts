import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaConfig } from '../../../../src/kafka/config.ts'
import { findJava } from '../../../../src/stack/java.ts'
import { runToEnd, startDetached } from '../../../../src/stack/launch.ts'
import { loopback, pickPort } from '../../../../src/stack/ports.ts'
import { probeKafka } from '../../../../src/stack/probe.ts'
import type { Launch } from '../../../../src/stack/service.ts'
import { endProcess, isRunning, type ProcessId } from '../../../../src/stack/service-process.ts'
import type { Scope } from '../fixture.ts'
import { brokerJars, type OlderRelease } from './releases.ts'

export interface OwnClusterOptions {
  /** Default: the release that `etl stack` runs. */
  readonly release?: OlderRelease
  /** Default 1. Node 1 is the controller, too: it must stay alive for leaders to be elected. */
  readonly nodes?: number
}

interface Node {
  readonly id: number
  readonly port: number
  readonly properties: string
  readonly log: string
  process?: ProcessId
}

const startPatience = 60_000

/** Somewhere else in each test process: two that look at the same moment find the same ports free. */
const firstPort = 20_000 + (process.pid % 600) * 20
const taken = new Set<number>()

/** A Kafka cluster of a test's own, whose brokers may be killed. On 127.0.0.1, in a temporary folder, gone after the test. */
export class OwnCluster {
  readonly config: KafkaConfig
  readonly #nodes: readonly Node[]
  readonly #java: string
  readonly #classpath: string
  readonly #folder: string

  private constructor(nodes: readonly Node[], java: string, classpath: string, folder: string) {
    this.#nodes = nodes
    this.#java = java
    this.#classpath = classpath
    this.#folder = folder
    this.config = { brokers: nodes.map(({ port }) => `${loopback}:${port}`), clientId: 'test' }
  }

  static async start(t: Pick<Scope, 'after'>, options: OwnClusterOptions = {}): Promise<OwnCluster> {
    const [java, jars] = await Promise.all([findJava(), brokerJars(options.release)])
    const folder = await mkdtemp(join(tmpdir(), 'etl-kafka-'))
    const controllerPort = await pickPort(firstPort, taken)
    const nodes: Node[] = []
    for (let id = 1; id <= (options.nodes ?? 1); id++) {
      const port = await pickPort(firstPort, taken)
      const properties = join(folder, `node-${id}.properties`)
      await writeFile(
        properties,
        serverProperties({ id, port, controllerPort, folder, nodes: options.nodes ?? 1 }),
      )
      nodes.push({ id, port, properties, log: join(folder, `node-${id}.log`) })
    }
    const cluster = new OwnCluster(nodes, java.path, jars.join(delimiter), folder)
    t.after(() => cluster.stop())
    await Promise.all(nodes.map((node) => cluster.#format(node)))
    await Promise.all(nodes.map((node) => cluster.startNode(node.id)))
    return cluster
  }

  async startNode(id: number): Promise<void> {
    const node = this.#node(id)
    const started = await startDetached(this.#launch(['kafka.Kafka', node.properties]), node.log)
    node.process = started
    running.add(started)
    const deadline = Date.now() + startPatience
    for (;;) {
      const failure = await probeKafka(node.port).then(
        () => undefined,
        (error: Error) => error,
      )
      if (!failure) return
      if (!(await isRunning(started)) || Date.now() > deadline) {
        throw new Error(`Kafka node ${id} did not start, see ${node.log}`, { cause: failure })
      }
      await delay(50)
    }
  }

  /** SIGKILL: the connections break, nothing is flushed, no leader is handed over. */
  async killNode(id: number): Promise<void> {
    const { process } = this.#node(id)
    if (!process) return
    await endProcess(process, 'SIGKILL', 10_000)
    running.delete(process)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(({ id }) => this.killNode(id)))
    await rm(this.#folder, { recursive: true, force: true })
  }

  #format({ properties, log }: Node): Promise<void> {
    const clusterId = 'etl-test-cluster-00000'
    return runToEnd(
      this.#launch(['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]),
      log,
    )
  }

  #launch(main: readonly string[]): Launch {
    return {
      command: this.#java,
      args: ['-Xms96m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...main],
      env: { ...process.env, CLASSPATH: this.#classpath },
      cwd: this.#folder,
    }
  }

  #node(id: number): Node {
    const node = this.#nodes.find((one) => one.id === id)
    if (!node) throw new RangeError(`no node ${id}`)
    return node
  }
}

/** No broker outlives a test that crashes. */
const running = new Set<ProcessId>()
process.once('exit', () => {
  for (const { pid } of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it died by itself
    }
  }
})

interface NodeSettings {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  readonly folder: string
  readonly nodes: number
}

function serverProperties({ id, port, controllerPort, folder, nodes }: NodeSettings): string {
  const isController = id === 1
  const broker = `PLAINTEXT://${loopback}:${port}`
  const settings: Record<string, string | number> = {
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': id,
    'controller.quorum.voters': `1@${loopback}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: isController ? `${broker},CONTROLLER://${loopback}:${controllerPort}` : broker,
    'advertised.listeners': broker,
    'log.dirs': join(folder, `node-${id}`),
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    'default.replication.factor': nodes,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': nodes,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': nodes,
    'transaction.state.log.min.isr': 1,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'log.index.size.max.bytes': 2 * 1024 * 1024,
    // A dead broker is noticed in 3 s instead of 9.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'replica.lag.time.max.ms': 5_000,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
