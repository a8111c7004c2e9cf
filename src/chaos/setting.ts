import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaAdmin } from '../kafka/admin.ts'
import { openAdmin } from '../kafka/open.ts'
import { openSink } from '../sink/open.ts'
import { makeDataset, removeDataset } from './dataset.ts'
import type { Endings } from './endings.ts'
import type { ChaosSink, Places } from './links.ts'
import { Monitor, type MonitoredSink } from './monitor.ts'
import type { ChaosRequest } from './request.ts'
import { OwnServers } from './servers.ts'
import { openWorkload, type Workload } from './workload.ts'

/** Everything that a run works with, ready to start. */
export interface Setting {
  readonly places: Places
  /** undefined: the servers are somebody else's. */
  readonly servers: OwnServers | undefined
  readonly workload: Workload
  readonly admin: KafkaAdmin
  readonly sinks: readonly MonitoredSink[]
  readonly monitor: Monitor
}

/** Starts servers where the run has its own, makes topic and tables, opens proxies. `endings` hears of each at once. */
export async function prepareSetting(
  request: ChaosRequest,
  at: { readonly folder: string; readonly topic: string },
  endings: Endings,
): Promise<Setting> {
  const { existing, partitions } = request
  const { folder, topic } = at
  const servers = existing ? undefined : await startServers(request, join(folder, 'servers'), endings)
  const places = existing ?? placesOf(servers as OwnServers, request.sinks)
  const admin = openAdmin(places.kafka)
  endings.add(() => admin.close())
  if (existing) endings.add(() => removeDataset(places, topic))
  const schemaId = await makeDataset(places, topic, partitions)
  const workload = await openWorkload({
    ...request,
    ...at,
    places,
    schemaId,
    env: existing ? process.env : withoutSettings(process.env),
    cwd: existing ? process.cwd() : folder,
  })
  const { links, groups, consumers, producer, trickle } = workload
  endings.add(() => links.close())
  const sinks = places.sinks.map(({ name, config }) => {
    return { name, group: groups.get(name) ?? '', sink: openSink(config) }
  })
  endings.add(() => Promise.all(sinks.map(({ sink }) => sink.close())))
  const monitor = new Monitor(topic, admin, sinks)
  endings.add(() => monitor.stop())
  endings.add(() => Promise.all([producer, trickle, ...consumers].map((part) => part.kill())))
  return { places, servers, workload, admin, sinks, monitor }
}

async function startServers(
  { sinks, reporter }: ChaosRequest,
  folder: string,
  endings: Endings,
): Promise<OwnServers> {
  const servers = new OwnServers(folder, ['kafka', 'registry', ...sinks], reporter)
  const abandon = () => servers.abandon()
  // The process may end at once, by a second Ctrl-C for one: what cannot end by itself is killed.
  process.once('exit', abandon)
  endings.add(async () => {
    await servers.stop()
    await rm(folder, { recursive: true, force: true })
    process.off('exit', abandon)
  })
  await servers.start()
  return servers
}

function placesOf(servers: OwnServers, sinks: readonly ChaosSink['name'][]): Places {
  return {
    kafka: { brokers: servers.state('kafka').brokers, clientId: 'etl-chaos' },
    registry: { url: servers.state('registry').url },
    sinks: sinks.map((name) => {
      const { host, port, user, password, database } = servers.state(name)
      return { name, ref: name, config: { kind: name, host, port, user, password, database } }
    }),
  }
}

/** The environment without what would lead the run's processes to other servers. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ETL_')))
}
