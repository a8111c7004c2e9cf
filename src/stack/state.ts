import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'

/** The parts of the local stack, in the order in which they are shown. */
export const serviceNames = ['kafka', 'registry', 'mysql', 'postgres'] as const
/** Besides them in a secured stack: the HTTPS server before the registry, and token endpoint. */
export const gateName = 'gate'
export type ServiceName = (typeof serviceNames)[number] | typeof gateName

/** All parts of a stack, in the order in which they are shown. */
export function servicesOf(secure: boolean): readonly ServiceName[] {
  return secure ? [...serviceNames, gateName] : serviceNames
}

/** A process that `etl stack up` started. `pid` alone says little: the system reuses numbers. */
export interface ServiceProcess {
  readonly pid: number
  /** As the system gives it (see processStartTime); with the pid it names one process for good. */
  readonly startTime: string
  readonly port: number
  readonly log: string
  /** Folder of its files; below `.etl/`, or elsewhere when that is not readable for the service's user. */
  readonly data: string
}

/** The addresses of a secured broker, by what they ask of a client. */
export interface KafkaListeners {
  /** TLS with a client certificate; its common name is the user. */
  readonly mtls: string
  /** TLS and SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER. */
  readonly sasl: string
  /** Both: SASL says who it is. */
  readonly saslMtls: string
}

export interface KafkaState extends ServiceProcess {
  readonly brokers: readonly string[]
  readonly controllerPort: number
  readonly listeners?: KafkaListeners
  /** Broker settings that were asked for, kept over restarts. */
  readonly properties?: Readonly<Record<string, string>>
}

export interface RegistryState extends ServiceProcess {
  readonly url: string
}

export interface DatabaseState extends ServiceProcess {
  readonly host: string
  readonly user: string
  /** Of a stack without --secure; else it is in the file that `passwordFile` names. */
  readonly password?: string
  readonly passwordFile?: string
  readonly database: string
}

export interface GateState extends ServiceProcess {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
}

/** The services of a stack; one is absent when it was never started or was taken down. */
export interface StackServices {
  readonly kafka?: KafkaState
  readonly registry?: RegistryState
  readonly mysql?: DatabaseState
  readonly postgres?: DatabaseState
  readonly gate?: GateState
}

/** Any service's entry. */
export type ServiceState = NonNullable<StackServices[ServiceName]>

/** What a secured stack has besides its services. */
export interface SecureState {
  /** Certificates, keys and passwords: `.etl/secure`. */
  readonly folder: string
  /** An etl.yaml with which everything is reached; the commands take it from here by themselves. */
  readonly config: string
}

/** `.etl/stack.json`, mode 0600. Of a secured stack it holds no secrets, only the names of their files. */
export interface StackState {
  readonly version: 1
  readonly services: StackServices
  readonly secure?: SecureState
}

/** The stack's folder in a project. */
export const stackFolder = '.etl'

export function stateFile(dir: string): string {
  return join(dir, stackFolder, 'stack.json')
}

/**
 * The running stack's addresses. `dir`: the folder that holds `.etl/`; without it the file of
 * `ETL_STACK_STATE`, else the nearest `.etl/stack.json` from the current folder up to the root of the git
 * work tree (or the home folder, whichever comes first). Undefined when there is none.
 * Throws ConfigError for a file that is not a stack's state.
 */
export function readStackState(dir?: string): StackState | undefined {
  const file = dir === undefined ? findStateFile() : stateFile(dir)
  return file !== undefined && existsSync(file) ? parseState(file) : undefined
}

/** The file that readStackState reads when it is given no folder. */
export function findStateFile(from: string = process.cwd()): string | undefined {
  const named = process.env.ETL_STACK_STATE
  if (named) return resolve(named)
  for (let at = resolve(from); ; at = dirname(at)) {
    const file = stateFile(at)
    if (existsSync(file)) return file
    if (at === dirname(at) || at === homedir() || existsSync(join(at, '.git'))) return undefined
  }
}

/** Writes `.etl/stack.json` whole or not at all; removes it when no service is left. */
export function writeStackState(dir: string, state: StackState): void {
  const file = stateFile(dir)
  if (Object.keys(state.services).length === 0) {
    rmSync(file, { force: true })
    return
  }
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}

function parseState(file: string): StackState {
  const text = readState(file)
  try {
    const state: Partial<StackState> | null = JSON.parse(text)
    if (state?.version === 1 && typeof state.services === 'object' && state.services !== null)
      return state as StackState
  } catch (cause) {
    throw notAState(file, cause)
  }
  throw notAState(file, new Error('version 1 with "services" was expected'))
}

function readState(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError('the state of the local stack cannot be read', {
      where: file,
      cause,
      next: 'use the user that ran etl stack up, or a stack of your own: etl stack up --dir FOLDER',
    })
  }
}

function notAState(file: string, cause: unknown): ConfigError {
  return new ConfigError('this is not the state of a local stack', {
    where: file,
    cause,
    next: `end by hand what still runs, remove ${file}, then: etl stack up`,
  })
}
