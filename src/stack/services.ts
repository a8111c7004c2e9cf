import { join } from 'node:path'
import { databasesFolder } from './account.ts'
import { versionOf } from './artifacts.ts'
import { gate } from './gate.ts'
import { kafka } from './kafka.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { registry } from './registry.ts'
import type { Service } from './service.ts'
import { type ServiceName, stackFolder } from './state.ts'

const services: { readonly [N in ServiceName]: Service<N> } = { kafka, registry, mysql, postgres, gate }

export function serviceOf<N extends ServiceName>(name: N): Service<N> {
  return services[name] as Service<N>
}

/** What runs as `name`, with its version, for people: `MariaDB 11.4.5`. */
export function programOf(name: ServiceName): string {
  return `${services[name].label} ${versionOf(name)}`.trimEnd()
}

/** Where a service of the stack in `dir` keeps its data. */
export async function dataFolder(dir: string, name: ServiceName): Promise<string> {
  const base = services[name].refusesRoot ? await databasesFolder(dir) : join(dir, stackFolder)
  return join(base, name)
}

export function logFile(dir: string, name: ServiceName): string {
  return join(dir, stackFolder, 'logs', `${name}.log`)
}
