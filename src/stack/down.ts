import { existsSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { databasesFolder } from './account.ts'
import { withLock } from './folder-lock.ts'
import { secureFiles } from './secure/files.ts'
import { endProcess } from './service-process.ts'
import { dataFolder, logFile, serviceOf } from './services.ts'
import {
  gateName,
  readStackState,
  type ServiceName,
  type StackServices,
  servicesOf,
  stackFolder,
  writeStackState,
} from './state.ts'

export interface DownOptions {
  /** Folder that holds `.etl/`. */
  readonly dir: string
  readonly services: readonly ServiceName[]
  /** Delete data and logs of these services, too. */
  readonly purge: boolean
  readonly note: (text: string) => void
}

export interface StoppedService {
  readonly name: ServiceName
  /** `crashed`: was in the state, but its process was gone; `not running`: was not in the state. */
  readonly outcome: 'stopped' | 'killed' | 'crashed' | 'not running'
  readonly seconds: number
  /** Folder that was deleted. */
  readonly purged: string | undefined
}

const graceMs = 30_000

/** Ends what stackUp started, and nothing else: see endProcess. */
export async function stackDown(options: DownOptions): Promise<StoppedService[]> {
  const folder = join(options.dir, stackFolder)
  if (!existsSync(folder)) return options.services.map(notRunning)
  const stopped = await withLock(
    join(folder, 'stack.lock'),
    () => down(options),
    ({ pid }) => options.note(`process ${pid} is working on this stack, waiting for it`),
  )
  if (options.purge) await removeEmpty(folder)
  return stopped
}

async function down(options: DownOptions): Promise<StoppedService[]> {
  const state = readStackState(options.dir)
  const known: StackServices = state?.services ?? {}
  const services = withGate(options, known)
  const stopped = await Promise.all(services.map((name) => stop(name, known)))
  const left = Object.entries(known).filter(([name]) => !services.includes(name as ServiceName))
  writeStackState(options.dir, { ...state, version: 1, services: Object.fromEntries(left) })
  if (!options.purge) return stopped
  const purged = await Promise.all(stopped.map((service) => purge(options.dir, service)))
  // Root's databases may live outside of .etl/, in a folder of their own.
  const databases = await databasesFolder(options.dir)
  if (databases !== join(options.dir, stackFolder)) await removeIfEmpty(databases)
  return purged.filter(isOfInterest)
}

/** Nobody asked for the gate by name: that it was not there says nothing. */
function isOfInterest({ name, outcome, purged }: StoppedService): boolean {
  return name !== gateName || outcome !== 'not running' || purged !== undefined
}

/** The gate goes with the last of those that need it. */
function withGate({ services, purge }: DownOptions, known: StackServices): readonly ServiceName[] {
  const needed = (['kafka', 'registry'] as const).some((name) => known[name] && !services.includes(name))
  const there = known.gate !== undefined || (purge && services.length === servicesOf(false).length)
  return there && !needed && !services.includes(gateName) ? [...services, gateName] : services
}

async function stop(name: ServiceName, known: StackServices): Promise<StoppedService> {
  const entry = known[name]
  if (!entry) return notRunning(name)
  const begin = performance.now()
  const end = await endProcess(entry, serviceOf(name).stopSignal, graceMs)
  const outcome = { ended: 'stopped', killed: 'killed', gone: 'crashed' } as const
  return { name, outcome: outcome[end], seconds: (performance.now() - begin) / 1000, purged: undefined }
}

async function purge(dir: string, service: StoppedService): Promise<StoppedService> {
  const data = await dataFolder(dir, service.name)
  const had = existsSync(data)
  const log = logFile(dir, service.name)
  await Promise.all([data, log, `${log}.1`].map((path) => rm(path, { recursive: true, force: true })))
  return { ...service, purged: had ? data : undefined }
}

/** `.etl/` itself goes when nothing else is in it. */
async function removeEmpty(folder: string): Promise<void> {
  if (servicesOf(true).some((name) => existsSync(join(folder, name)))) return
  await removeIfEmpty(join(folder, 'logs'))
  if (existsSync(join(folder, 'stack.json'))) return
  await rm(secureFiles(dirname(folder)).folder, { recursive: true, force: true })
  await rm(join(folder, '.gitignore'), { force: true })
  await removeIfEmpty(folder)
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOTEMPTY' && err.code !== 'EEXIST' && err.code !== 'ENOENT') throw err
  })
}

function notRunning(name: ServiceName): StoppedService {
  return { name, outcome: 'not running', seconds: 0, purged: undefined }
}
