import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Clocks } from './clock.ts'
import { Consumer } from './consumers.ts'
import { brokersOf, Links, type Places } from './links.ts'
import { Producer } from './producer.ts'
import { Trickle } from './trickle.ts'

/** Processes of each sink, and threads of each. */
export const consumerProcesses = 2
const consumerThreads = 2
/** Records of one transaction at the most: small ones, so that there are many moments to fail in. */
const batchRecords = 200

export interface WorkloadOptions {
  readonly places: Places
  readonly topic: string
  readonly partitions: number
  readonly seed: number
  /** Milliseconds. */
  readonly sessionTimeout: number
  readonly schemaId: number
  /** What the processes start from. */
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Folder of the run. */
  readonly folder: string
}

/**
 * What is disturbed: a producer process, a transactional producer of our own, two consumer processes for each sink, and the proxies
 * through which all of them reach the servers.
 */
export interface Workload {
  readonly links: Links
  readonly clocks: Clocks
  readonly producer: Producer
  readonly trickle: Trickle
  readonly consumers: readonly Consumer[]
  /** Consumer group by sink. */
  readonly groups: ReadonlyMap<string, string>
}

/** Opens the proxies; starts no process yet. */
export async function openWorkload(options: WorkloadOptions): Promise<Workload> {
  const { places, topic, seed, folder, cwd } = options
  const logs = join(folder, 'logs')
  await mkdir(logs, { recursive: true })
  const clocks = new Clocks(folder)
  await clocks.prepare()
  const links = new Links()
  await links.open(places, topic, await brokersOf(places.kafka), processesOf)
  // Processes are started all the time: V8's compiled code is kept between them, which halves the work of a start.
  const cache = { NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const env = { ...options.env, ...cache, ...links.environment() }
  const groups = new Map(places.sinks.map(({ name }) => [name, `${topic}-${name}`]))
  const consumers = places.sinks.flatMap(({ name, ref }) =>
    processesOf(name).map((process) => {
      const sink = links.names.includes(name) ? name : ref
      const args = consumeArgs(options, sink, groups.get(name) ?? '')
      const own = { ...env, ...links.environment(process), ...clocks.environment(process) }
      return new Consumer({ name: process, args, env: own, cwd, logs })
    }),
  )
  const kafka = { ...places.kafka, addressMap: links.addressMap }
  return {
    links,
    clocks,
    groups,
    consumers,
    producer: new Producer({ topic, seed, env, cwd, logs }),
    trickle: new Trickle({ ...options, kafka }),
  }
}

/** Names of a sink's consumer processes. */
function processesOf(sink: string): string[] {
  return Array.from({ length: consumerProcesses }, (_, i) => `${sink}/${i}`)
}

function consumeArgs({ topic, sessionTimeout }: WorkloadOptions, sink: string, group: string): string[] {
  return [
    ...['consume', '--topic', topic, '--sink', sink, '--group', group],
    ...['--threads', String(consumerThreads), '--batch-records', String(batchRecords)],
    ...['--session-timeout', `${sessionTimeout}ms`],
  ]
}
