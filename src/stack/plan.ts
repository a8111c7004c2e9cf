import { existsSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { artifactsOf } from './artifacts.ts'
import { cacheFolder } from './cache-folder.ts'
import { cachedFile } from './download.ts'
import { runToEnd } from './launch.ts'
import { isFree, pickPort } from './ports.ts'
import type { SecureFiles } from './secure/files.ts'
import type { ServiceContext } from './service.ts'
import { dataFolder, logFile, serviceOf } from './services.ts'
import { gateName, type ServiceName, type StackServices, servicesOf } from './state.ts'

/** What `etl stack up` was asked for, as far as it concerns how a service is started. */
export interface PlanOptions {
  /** Folder that holds `.etl/`. */
  readonly dir: string
  readonly services: readonly ServiceName[]
  /** Ports that must be these; the others are picked. */
  readonly ports: Readonly<Partial<Record<ServiceName, number>>>
  readonly fast: boolean
  /** TLS and passwords everywhere. A stack is made so at its first start and stays so; see docs/security.md. */
  readonly secure?: boolean
  /** Settings of Kafka over those of ours (`group.min.session.timeout.ms`); kept over restarts. */
  readonly kafkaProperties?: Readonly<Record<string, string>>
  readonly reporter: { note(text: string): void }
}

/** What is the same for every service of one `up`. */
export interface Plan {
  readonly options: PlanOptions
  readonly known: StackServices
  /** Ports that are promised. */
  readonly taken: Set<number>
  readonly java: string | undefined
  readonly secure: SecureFiles | undefined
  readonly gatePort: number | undefined
}

/** Registry and token endpoint of a secured stack are reached through the gate. */
export function servicesToRun(asked: readonly ServiceName[], secure: boolean): readonly ServiceName[] {
  const needsGate = secure && (asked.includes('kafka') || asked.includes('registry'))
  return needsGate && !asked.includes(gateName) ? [...asked, gateName] : asked
}

/** Chosen before anything starts, since the registry's address has it. */
export async function gatePortOf(
  { ports }: PlanOptions,
  known: StackServices,
  services: readonly ServiceName[],
  running: readonly ServiceName[],
  taken: Set<number>,
): Promise<number | undefined> {
  if (!services.includes(gateName)) return undefined
  const before = known.gate?.port
  if (running.includes(gateName)) return before
  return ports.gate ?? (await pickPort(before ?? serviceOf(gateName).usualPort, taken))
}

/** A service whose data is there already. */
export async function anyData(dir: string): Promise<ServiceName | undefined> {
  for (const name of servicesOf(false)) if (existsSync(await dataFolder(dir, name))) return name
  return undefined
}

/** What a service is started with. Throws UsageError for a port that is taken. */
export async function contextOf(plan: Plan, name: ServiceName): Promise<ServiceContext> {
  const { options, known, taken, java, secure, gatePort } = plan
  const service = serviceOf(name)
  const chosen = name === gateName ? gatePort : options.ports[name]
  const port = chosen ?? (await pickPort(known[name]?.port ?? service.usualPort, taken))
  if (options.ports[name] !== undefined && !(await isFree(port))) {
    throw new UsageError(`port ${port} for ${name} is taken by another program`, {
      where: `127.0.0.1:${port}`,
      next: `etl stack up ${name}   (without --port a free one is picked)`,
    })
  }
  const extraPorts: number[] = []
  while (extraPorts.length < service.extraPorts(secure !== undefined)) {
    extraPorts.push(await pickPort(port + 1, taken))
  }
  const log = logFile(options.dir, name)
  return {
    dir: options.dir,
    data: await dataFolder(options.dir, name),
    port,
    extraPorts,
    artifacts: artifactsOf(name).map((artifact) => cachedFile(cacheFolder(), artifact)),
    java,
    log,
    fast: options.fast,
    secure,
    gatePort,
    properties: name === 'kafka' ? { ...known.kafka?.properties, ...options.kafkaProperties } : {},
    run: (launch, input) => runToEnd(launch, log, input),
  }
}
