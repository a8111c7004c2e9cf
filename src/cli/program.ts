import { type Command, Config, type Interfaces, Plugin } from '@oclif/core'
import { normalizeArgv } from '@oclif/core/help'
import { obeyChaos, victimVariable } from '../chaos/victim.ts'
import { UsageError } from '../errors.ts'
import { installNets, outputMode, reportFailure } from './failure.ts'
import { EtlHelp } from './help.ts'
import { nearest } from './nearest.ts'

/** Loads the class of one command; lazy, so that `--version` and `--help` load no client. */
export type CommandLoader = () => Promise<{ default: Command.Class }>

/** What oclif caches of each command (flags, arguments, texts), by id; the build generates it. */
export type CommandManifest = Readonly<Record<string, Command.Cached>>

export interface Program {
  /** package.json as an object: name, version and the `oclif` section. */
  readonly pjson: { name: string; version: string; description: string; oclif: Record<string, unknown> }
  /** Command id (`schema:gen`) → loader. */
  readonly commands: ReadonlyMap<string, CommandLoader>
  /** Without it every command is loaded to learn its flags, as when running from the sources. */
  readonly manifest?: CommandManifest
  /** A command that cannot be loaded is an error, and not only a warning. */
  readonly strict?: boolean
  readonly root: string
}

/** oclif reads commands from files; a bundle has none, so this plugin answers from a table. */
// @ts-expect-error getCommandIDs is private in oclif's types, but it is what load() asks for the ids
class TablePlugin extends Plugin {
  private readonly program: Program

  constructor(program: Program, pjson: Interfaces.PJSON) {
    super({
      root: program.root,
      pjson,
      ignoreManifest: true,
      isRoot: true,
      errorOnManifestCreate: program.strict ?? false,
    })
    this.program = program
  }

  override async load(): Promise<void> {
    await super.load()
    const { manifest } = this.program
    if (!manifest) return
    this.commands = Object.entries(manifest).map(([id, cached]) => ({
      ...cached,
      load: () => this.findCommand(id, { must: true }),
    }))
  }

  override async getCommandIDs(): Promise<string[]> {
    return this.program.manifest ? [] : [...this.program.commands.keys()]
  }

  override async findCommand(id: string, opts: { must: true }): Promise<Command.Class>
  override async findCommand(id: string, opts?: { must: boolean }): Promise<Command.Class | undefined>
  override async findCommand(id: string, opts?: { must: boolean }): Promise<Command.Class | undefined> {
    const loader = this.program.commands.get(id)
    if (!loader) {
      if (opts?.must) throw new Error(`command ${id} not found`)
      return undefined
    }
    const command = (await loader()).default
    command.id = id
    return command
  }
}

/** Runs one command line; never rejects. `process.exitCode` holds the result. */
export async function runProgram(argv: string[], program: Program): Promise<void> {
  const mode = outputMode(argv)
  installNets(mode)
  if (process.env[victimVariable] && process.channel) obeyChaos()
  try {
    const config = await loadConfig(program)
    await dispatch(argv, config)
  } catch (err) {
    reportFailure(err, mode)
  }
}

export async function loadConfig(program: Program): Promise<Config> {
  const pjson = { ...program.pjson, name: String(program.pjson.oclif.bin) } as unknown as Interfaces.PJSON
  const plugin = new TablePlugin(program, pjson)
  await plugin.load()
  const config = new Config({
    root: program.root,
    pjson,
    devPlugins: false,
    userPlugins: false,
    plugins: new Map([[plugin.name, plugin]]),
  })
  await config.load()
  return config
}

async function dispatch(argv: string[], config: Config): Promise<void> {
  const words = argv[0] === 'help' ? argv.slice(1) : argv
  const [id = '', ...rest] = normalizeArgv(config, [...words])
  const command = config.findCommand(id)
  const known = command !== undefined || config.findTopic(id) !== undefined
  const asked = words !== argv || asksForHelp(argv)
  if (words.length === 0 || (asked && (known || id.startsWith('-'))) || (known && !command)) {
    await new EtlHelp(config).showHelp(words.length === 0 ? ['--help'] : [...words])
  } else if (command) {
    await config.runCommand(id, rest, command)
  } else {
    throw unknownCommand(words, config)
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

/** Names the command that comes nearest to what was typed, or the topic whose commands to look at. */
function unknownCommand(words: readonly string[], config: Config): UsageError {
  const flag = words.findIndex((word) => word.startsWith('-'))
  const typed = flag === -1 ? words : words.slice(0, flag)
  if (typed.length === 0) return new UsageError(`unknown flag ${words[0]}`, { next: 'etl --help' })
  const ids = config.commandIDs.map((id) => id.split(':'))
  const guesses = [2, 1].map((length) =>
    nearest(
      typed.slice(0, length).join(' '),
      ids.filter((id) => id.length === length).map((id) => id.join(' ')),
    ),
  )
  const topic = config.findTopic(typed[0] ?? '') ? typed[0] : undefined
  const guess = guesses.find((id) => id !== undefined)
  return new UsageError(
    `"${typed.slice(0, guess?.split(' ').length ?? 2).join(' ')}" is not a command of etl`,
    {
      cause: guess === undefined ? undefined : new Error(`the nearest one is "${guess}"`),
      next: `etl ${guess ?? topic ?? ''} --help`.replace('  ', ' '),
    },
  )
}
