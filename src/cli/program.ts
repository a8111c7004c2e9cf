import { type Command, Config, flush, Plugin, run } from '@oclif/core'

/** Loads the class of one command; lazy, so that `--version` and `--help` load no client. */
export type CommandLoader = () => Promise<{ default: Command.Class }>

export interface Program {
  /** package.json as an object: name, version and the `oclif` section. */
  readonly pjson: { name: string; version: string; oclif: Record<string, unknown> }
  /** Command id (`schema:gen`) → loader. */
  readonly commands: ReadonlyMap<string, CommandLoader>
  readonly root: string
}

/** oclif reads commands from files; a bundle has none, so this plugin answers from a table. */
// @ts-expect-error getCommandIDs is private in oclif's types, but it is what load() asks for the ids
class TablePlugin extends Plugin {
  private readonly table: ReadonlyMap<string, CommandLoader>

  constructor(program: Program) {
    super({ root: program.root, pjson: program.pjson as never, ignoreManifest: true, isRoot: true })
    this.table = program.commands
  }

  override async getCommandIDs(): Promise<string[]> {
    return [...this.table.keys()]
  }

  override async findCommand(id: string, opts: { must: true }): Promise<Command.Class>
  override async findCommand(id: string, opts?: { must: boolean }): Promise<Command.Class | undefined>
  override async findCommand(id: string, opts?: { must: boolean }): Promise<Command.Class | undefined> {
    const loader = this.table.get(id)
    if (!loader) {
      if (opts?.must) throw new Error(`command ${id} not found`)
      return undefined
    }
    const command = (await loader()).default
    command.id = id
    return command
  }
}

/** Runs one command line and resolves when its output is flushed; `process.exitCode` holds the result. */
export async function runProgram(argv: string[], program: Program): Promise<void> {
  const config = await loadConfig(program)
  await run(argv, config)
  await flush()
}

export async function loadConfig(program: Program): Promise<Config> {
  const plugin = new TablePlugin(program)
  await plugin.load()
  const config = new Config({
    root: program.root,
    pjson: program.pjson as never,
    devPlugins: false,
    userPlugins: false,
    plugins: new Map([[plugin.name, plugin]]),
  })
  await config.load()
  return config
}
