import { lastWords } from './log.ts'
import { isSecure } from './secure/files.ts'
import type { Service } from './service.ts'
import { isRunning } from './service-process.ts'
import { programOf, serviceOf } from './services.ts'
import { readStackState, type ServiceName, type ServiceState, servicesOf } from './state.ts'

export interface ServiceStatus {
  readonly service: ServiceName
  /** Name and version of what runs, or would. */
  readonly program: string
  /**
   * `running`: answers in its protocol; `not answering`: its process is there; `crashed`: its process is gone;
   * `stopped`: never started, or taken down.
   */
  readonly state: 'running' | 'not answering' | 'crashed' | 'stopped'
  readonly pid: number | null
  readonly address: string | null
  readonly log: string | null
  /** Why it does not answer, or the end of a crashed one's log. */
  readonly detail: readonly string[]
}

const linesOfCrash = 10

/** Asks every service of the stack in `dir`. */
export async function stackStatus(dir: string): Promise<ServiceStatus[]> {
  const known = readStackState(dir)?.services ?? {}
  return await Promise.all(servicesOf(isSecure(dir)).map((name) => statusOf(name, known[name])))
}

async function statusOf(name: ServiceName, entry: ServiceState | undefined): Promise<ServiceStatus> {
  const program = programOf(name)
  if (!entry)
    return { service: name, program, state: 'stopped', pid: null, address: null, log: null, detail: [] }
  const service: Service = serviceOf(name)
  const known = { service: name, program, pid: entry.pid, address: service.address(entry), log: entry.log }
  if (!(await isRunning(entry))) {
    return { ...known, state: 'crashed', detail: await lastWords(entry.log, linesOfCrash) }
  }
  try {
    await service.probe(entry)
    return { ...known, state: 'running', detail: [] }
  } catch (err) {
    return { ...known, state: 'not answering', detail: [err instanceof Error ? err.message : String(err)] }
  }
}
