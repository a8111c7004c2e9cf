import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, UsageError } from '../errors.ts'
import { openFolder } from './account.ts'
import { artifactsOf } from './artifacts.ts'
import { cacheFolder } from './cache-folder.ts'
import { cachedFile } from './download.ts'
import { type DownloadProgress, fetchArtifacts } from './fetch-artifacts.ts'
import { withLock } from './folder-lock.ts'
import { findJava } from './java.ts'
import { runToEnd, startDetached, startLog } from './launch.ts'
import { isFree, pickPort } from './ports.ts'
import { awaitReady } from './ready.ts'
import type { ServiceContext } from './service.ts'
import { isRunning } from './service-process.ts'
import { dataFolder, logFile, serviceOf } from './services.ts'
import {
  readStackState,
  type ServiceName,
  type ServiceProcess,
  type StackServices,
  serviceNames,
  stackFolder,
  writeStackState,
} from './state.ts'

const portAttempts = 3

export interface UpOptions {
  /** Folder that holds `.etl/`. */
  readonly dir: string
  readonly services: readonly ServiceName[]
  /** Ports that must be these; the others are picked. */
  readonly ports: Readonly<Partial<Record<ServiceName, number>>>
  readonly fast: boolean
  readonly reporter: UpReporter
}

export interface UpReporter {
  note(text: string): void
  download(progress: DownloadProgress): void
  ready(service: StartedService): void
}

export interface StartedService {
  readonly name: ServiceName
  readonly outcome: 'started' | 'was running'
  /** From the start of the process to its first answer. */
  readonly seconds: number
  readonly address: string
  readonly state: ServiceProcess
}

/**
 * Starts the services that do not run, all at once, and resolves when each answers. Those that run are left
 * as they are. Throws ConfigError (no Java, libraries missing), UsageError (port taken) or UnreachableError
 * (download failed, a service died while starting); what came up by then stays up and is in the state.
 */
export async function stackUp(options: UpOptions): Promise<StartedService[]> {
  const folder = await openFolder(join(options.dir, stackFolder))
  await writeFile(join(folder, '.gitignore'), '*\n')
  return await withLock(
    join(folder, 'stack.lock'),
    () => up(options),
    ({ pid }) => options.reporter.note(`process ${pid} is working on this stack, waiting for it`),
  )
}

async function up(options: UpOptions): Promise<StartedService[]> {
  const known: StackServices = readStackState(options.dir)?.services ?? {}
  const running: ServiceName[] = []
  for (const name of options.services) {
    const process = known[name]
    if (process && (await isRunning(process))) running.push(name)
  }
  const toStart = options.services.filter((name) => !running.includes(name))
  refuseOtherPorts(known, running, options.ports)
  refuseMissingBuilds(toStart)
  const java = toStart.some((name) => serviceOf(name).needsJava) ? (await findJava()).path : undefined
  await fetchArtifacts(
    toStart.flatMap((name) => artifactsOf(name)),
    {
      cache: cacheFolder(),
      repository: process.env.ETL_MAVEN_REPOSITORY || undefined,
      onProgress: (progress) => options.reporter.download(progress),
      onWait: (text) => options.reporter.note(text),
    },
  )

  if (toStart.length > 0) options.reporter.note(`starting ${toStart.join(', ')}`)
  const state = new StateFile(options.dir, known)
  const taken = new Set(Object.values(options.ports))
  const starts: Promise<StartedService>[] = running.map((name) => awaitRunning(options, known, name))
  for (const name of toStart) {
    const context = await contextOf(options, known, name, taken, java)
    starts.push(
      startOnFreePorts(options, state, name, context, () => contextOf(options, known, name, taken, java)),
    )
  }
  const settled = await Promise.allSettled(starts)
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  for (const failure of failures.slice(1)) options.reporter.note(`also failed: ${failure.message}`)
  if (failures.length > 0) throw failures[0]
  const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  return started.sort((a, b) => serviceNames.indexOf(a.name) - serviceNames.indexOf(b.name))
}

async function contextOf(
  options: UpOptions,
  known: StackServices,
  name: ServiceName,
  taken: Set<number>,
  java: string | undefined,
): Promise<ServiceContext> {
  const service = serviceOf(name)
  const port = options.ports[name] ?? (await pickPort(known[name]?.port ?? service.usualPort, taken))
  if (options.ports[name] !== undefined && !(await isFree(port))) {
    throw new UsageError(`port ${port} for ${name} is taken by another program`, {
      where: `127.0.0.1:${port}`,
      next: `etl stack up ${name}   (without --port a free one is picked)`,
    })
  }
  const extraPorts: number[] = []
  while (extraPorts.length < service.extraPorts) extraPorts.push(await pickPort(port + 1, taken))
  const log = logFile(options.dir, name)
  return {
    data: await dataFolder(options.dir, name),
    port,
    extraPorts,
    artifacts: artifactsOf(name).map((artifact) => cachedFile(cacheFolder(), artifact)),
    java,
    log,
    fast: options.fast,
    run: (launch, input) => runToEnd(launch, log, input),
  }
}

/**
 * Starts the service, and again on other ports when another program (a stack that starts at the same moment, for one) took one
 * of them between the look and the start.
 */
async function startOnFreePorts(
  options: UpOptions,
  state: StateFile,
  name: ServiceName,
  context: ServiceContext,
  another: () => Promise<ServiceContext>,
): Promise<StartedService> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startService(options, state, name, context)
    } catch (error) {
      const free = await Promise.all([context.port, ...context.extraPorts].map(isFree))
      const entry = state.get(name)
      const runs = entry !== undefined && (await isRunning(entry))
      if (attempt === portAttempts || runs || free.every((isFreeNow) => isFreeNow)) throw error
      options.reporter.note(`${name}: another program took its port, trying the next one`)
      context = await another()
    }
  }
}

async function startService(
  { reporter }: UpOptions,
  state: StateFile,
  name: ServiceName,
  context: ServiceContext,
): Promise<StartedService> {
  const service = serviceOf(name)
  const begin = performance.now()
  await startLog(context.log)
  const launch = await service.prepare(context)
  const id = await startDetached(launch, context.log)
  const entry = service.describe({ ...id, port: context.port, log: context.log, data: context.data }, context)
  state.set(name, entry)
  await awaitReady(name, entry)
  const seconds = (performance.now() - begin) / 1000
  const started: StartedService = {
    name,
    outcome: 'started',
    seconds,
    address: service.address(entry),
    state: entry,
  }
  reporter.ready(started)
  return started
}

async function awaitRunning(
  { reporter }: UpOptions,
  known: StackServices,
  name: ServiceName,
): Promise<StartedService> {
  const entry = known[name] as ServiceProcess
  const begin = performance.now()
  await awaitReady(name, entry)
  const seconds = (performance.now() - begin) / 1000
  const address = serviceOf(name).address(entry)
  const started: StartedService = { name, outcome: 'was running', seconds, address, state: entry }
  reporter.ready(started)
  return started
}

function refuseOtherPorts(
  known: StackServices,
  running: readonly ServiceName[],
  ports: UpOptions['ports'],
): void {
  for (const name of running) {
    const wanted = ports[name]
    const has = known[name]?.port
    if (wanted === undefined || wanted === has) continue
    throw new UsageError(`${name} runs already, on port ${has}`, {
      next: `etl stack down ${name} && etl stack up ${name} --port ${name}=${wanted}`,
    })
  }
}

function refuseMissingBuilds(names: readonly ServiceName[]): void {
  const built = (name: ServiceName) => artifactsOf(name).length > 0
  const missing = names.filter((name) => !built(name))
  if (missing.length === 0) return
  const others = serviceNames.filter(built).join(' ')
  throw new ConfigError(
    `there is no build of ${missing.join(' and ')} for ${process.platform}-${process.arch}`,
    { next: `etl stack up ${others}   (the rest by docker compose, see compose.yaml)` },
  )
}

/** The state on disk; several services write to it as they come up. */
class StateFile {
  private readonly dir: string
  private services: StackServices

  constructor(dir: string, services: StackServices) {
    this.dir = dir
    this.services = services
  }

  get(name: ServiceName): ServiceProcess | undefined {
    return this.services[name]
  }

  set(name: ServiceName, entry: ServiceProcess): void {
    this.services = { ...this.services, [name]: entry }
    writeStackState(this.dir, { version: 1, services: this.services })
  }
}
