import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, UsageError } from '../errors.ts'
import { closedFolder } from './account.ts'
import { artifactsOf } from './artifacts.ts'
import { cacheFolder } from './cache-folder.ts'
import { type DownloadProgress, fetchArtifacts } from './fetch-artifacts.ts'
import { withLock } from './folder-lock.ts'
import { findJava } from './java.ts'
import { startDetached, startLog } from './launch.ts'
import { anyData, contextOf, gatePortOf, type Plan, type PlanOptions, servicesToRun } from './plan.ts'
import { isFree } from './ports.ts'
import { awaitReady } from './ready.ts'
import { writeConfigFiles } from './secure/config-files.ts'
import type { SecureFiles } from './secure/files.ts'
import { secureStack, secureState } from './secure/secure-stack.ts'
import type { Service, ServiceContext } from './service.ts'
import { isRunning } from './service-process.ts'
import { serviceOf } from './services.ts'
import {
  gateName,
  readStackState,
  type ServiceName,
  type ServiceState,
  type StackServices,
  servicesOf,
  stackFolder,
  writeStackState,
} from './state.ts'

const portAttempts = 3

export interface UpOptions extends PlanOptions {
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
  readonly state: ServiceState
}

/**
 * Starts the services that do not run, all at once, and resolves when each answers. Those that run are left
 * as they are. Throws ConfigError (no Java, libraries missing), UsageError (port taken) or UnreachableError
 * (download failed, a service died while starting); what came up by then stays up and is in the state.
 */
export async function stackUp(options: UpOptions): Promise<StartedService[]> {
  const folder = await closedFolder(join(options.dir, stackFolder))
  await writeFile(join(folder, '.gitignore'), '*\n')
  return await withLock(
    join(folder, 'stack.lock'),
    () => up(options),
    ({ pid }) => options.reporter.note(`process ${pid} is working on this stack, waiting for it`),
  )
}

async function up(options: UpOptions): Promise<StartedService[]> {
  const known: StackServices = readStackState(options.dir)?.services ?? {}
  const secure = secureStack(options.dir, options.secure ?? false, await anyData(options.dir))
  const services = servicesToRun(options.services, secure !== undefined)
  const running: ServiceName[] = []
  for (const name of services) {
    const process = known[name]
    if (process && (await isRunning(process))) running.push(name)
  }
  const toStart = services.filter((name) => !running.includes(name))
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
  const state = new StateFile(options.dir, known, secure)
  const taken = new Set(Object.values(options.ports))
  const gatePort = await gatePortOf(options, known, services, running, taken)
  const plan: Plan = { options, known, taken, java, secure, gatePort }
  const starts: Promise<StartedService>[] = running.map((name) => awaitRunning(options, known, name))
  for (const name of toStart) {
    const context = await contextOf(plan, name)
    starts.push(
      startOnFreePorts(plan, state, name, context).then((started) => {
        options.reporter.ready(started)
        return started
      }),
    )
  }
  const settled = await Promise.allSettled(starts)
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  for (const failure of failures.slice(1)) options.reporter.note(`also failed: ${failure.message}`)
  if (secure) writeConfigFiles(secure, state.all)
  if (failures.length > 0) throw failures[0]
  const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const order = servicesOf(true)
  return started.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
}

/**
 * Starts the service, and again on other ports when another program (a stack that starts at the same moment, for one) took one
 * of them between the look and the start.
 */
async function startOnFreePorts(
  plan: Plan,
  state: StateFile,
  name: ServiceName,
  first: ServiceContext,
): Promise<StartedService> {
  let context = first
  for (let attempt = 1; ; attempt++) {
    try {
      return await startService(plan, state, name, context)
    } catch (error) {
      const free = await Promise.all([context.port, ...context.extraPorts].map(isFree))
      const entry = state.get(name)
      const runs = entry !== undefined && (await isRunning(entry))
      if (attempt === portAttempts || runs || free.every((isFreeNow) => isFreeNow)) throw error
      plan.options.reporter.note(`${name}: another program took its port, trying the next one`)
      context = await contextOf(plan, name)
    }
  }
}

async function startService(
  { secure }: Plan,
  state: StateFile,
  name: ServiceName,
  context: ServiceContext,
): Promise<StartedService> {
  const service: Service = serviceOf(name)
  const begin = performance.now()
  await startLog(context.log)
  const launch = await service.prepare(context)
  const id = await startDetached(launch, context.log)
  const entry = service.describe({ ...id, port: context.port, log: context.log, data: context.data }, context)
  state.set(name, entry)
  await awaitReady(name, entry)
  if (secure) await service.provision?.(entry, secure)
  const seconds = (performance.now() - begin) / 1000
  const started: StartedService = {
    name,
    outcome: 'started',
    seconds,
    address: service.address(entry),
    state: entry,
  }
  return started
}

async function awaitRunning(
  { reporter }: UpOptions,
  known: StackServices,
  name: ServiceName,
): Promise<StartedService> {
  const entry = known[name] as ServiceState
  const begin = performance.now()
  await awaitReady(name, entry)
  const seconds = (performance.now() - begin) / 1000
  const service: Service = serviceOf(name)
  const address = service.address(entry)
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
  const built = (name: ServiceName) => name === gateName || artifactsOf(name).length > 0
  const missing = names.filter((name) => !built(name))
  if (missing.length === 0) return
  const others = servicesOf(false).filter(built).join(' ')
  throw new ConfigError(
    `there is no build of ${missing.join(' and ')} for ${process.platform}-${process.arch}`,
    { next: `etl stack up ${others}   (the rest by docker compose, see compose.yaml)` },
  )
}

/** The state on disk; several services write to it as they come up. */
class StateFile {
  private readonly dir: string
  private services: StackServices
  private readonly secure: SecureFiles | undefined

  constructor(dir: string, services: StackServices, secure: SecureFiles | undefined) {
    this.dir = dir
    this.services = services
    this.secure = secure
  }

  get all(): StackServices {
    return this.services
  }

  get(name: ServiceName): ServiceState | undefined {
    return this.services[name]
  }

  set(name: ServiceName, entry: ServiceState): void {
    this.services = { ...this.services, [name]: entry }
    const secure = this.secure ? { secure: secureState(this.secure) } : {}
    writeStackState(this.dir, { version: 1, services: this.services, ...secure })
  }
}
