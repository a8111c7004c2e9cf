import type { Account } from './account.ts'
import type { SecureFiles } from './secure/files.ts'
import type { ServiceName, ServiceProcess, StackServices } from './state.ts'

/** How to start one process. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd: string
  readonly account?: Account | undefined
}

/** What a service is given to start with. */
export interface ServiceContext {
  /** Folder that holds `.etl/`. */
  readonly dir: string
  /** Folder of its data; it keeps everything there that must survive `down` and `up`. */
  readonly data: string
  readonly port: number
  /** Further ports, as many as the service asked for. */
  readonly extraPorts: readonly number[]
  /** Paths of its artifacts, in the order of the lock. */
  readonly artifacts: readonly string[]
  /** Path of `java`, for services that need it. */
  readonly java: string | undefined
  readonly log: string
  /** Trade durability for speed (`--fast`). */
  readonly fast: boolean
  /** Certificates and passwords of a secured stack; undefined: no TLS, well-known passwords. */
  readonly secure: SecureFiles | undefined
  /** The gate's port in a secured stack. */
  readonly gatePort: number | undefined
  /** Settings over those of ours (Kafka's server.properties). */
  readonly properties: Readonly<Record<string, string>>
  /** Runs a preparing step (format, initdb) to its end, output into the log; rejects when it fails. */
  run(launch: Launch, input?: string): Promise<void>
}

/** One part of the stack: how it is prepared, started, asked whether it is ready, and described. */
export interface Service<N extends ServiceName = ServiceName> {
  readonly name: N
  readonly label: string
  readonly usualPort: number
  /** How many ports it needs besides. */
  readonly extraPorts: (secure: boolean) => number
  readonly needsJava: boolean
  /** True when its program refuses to run as root; then `account` names who runs it. */
  readonly refusesRoot: boolean
  /** Ends it in order. */
  readonly stopSignal: NodeJS.Signals
  /** First start: writes configuration, formats storage. Every start: says what to run. */
  prepare(context: ServiceContext): Promise<Launch>
  /** The state other commands read, for a process that runs. */
  describe(process: ServiceProcess, context: ServiceContext): NonNullable<StackServices[N]>
  /** Resolves when the service answers in its protocol; rejects while it does not. */
  probe(state: NonNullable<StackServices[N]>): Promise<void>
  /** After it answered, at every start: users and rights. Must be able to be done again. */
  provision?(state: NonNullable<StackServices[N]>, secure: SecureFiles): Promise<void>
  /** Where clients find it, without secrets. */
  address(state: NonNullable<StackServices[N]>): string
}
