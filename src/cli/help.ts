import { type Command, CommandHelp, Help, type Interfaces } from '@oclif/core'
import { exitCodeMeanings } from './exit-codes.ts'

/** The main job from nothing to the verdict, as the first thing that `etl --help` shows. */
const FIRST_STEPS = [
  ['etl stack up', 'local Kafka and databases'],
  ['etl schema gen flights.json', 'Avro schema from samples'],
  ['etl apply -t flights --schema schemas/flights.avsc', 'subject, topic and tables'],
  ['etl produce flights.json -t flights', 'JSON → Avro → Kafka'],
  ['etl consume -t flights -s postgres --until-end', 'Kafka → rows, exactly once'],
  ['etl verify-offsets -t flights -s postgres', 'nothing lost or doubled'],
] as const

/** Help of one command: examples first, a short usage line, then flags and the long description. */
class EtlCommandHelp extends CommandHelp {
  protected override sections() {
    const sections = super.sections()
    return [
      ...sections.filter((section) => section.header === 'EXAMPLES'),
      ...sections.filter((section) => section.header !== 'EXAMPLES'),
    ]
  }

  /** The summary stands on top already: without a summary of its own it is the description's first line. */
  protected override description(): string | undefined {
    const { summary, description = '' } = this.command
    const text = summary ? description : description.split('\n').slice(1).join('\n')
    // Line breaks inside a paragraph are those of the source file; the terminal's width decides anew.
    const flowing = text.trim().replaceAll(/(?<!\n)\n(?![\n ])/g, ' ')
    return flowing
      ? flowing
          .split('\n')
          .map((line) => this.paragraph(line))
          .join('\n')
      : undefined
  }

  /** An indented line is the row of a list, `  NAME  meaning`: its meaning goes on below itself. */
  private paragraph(line: string): string {
    const name = /^ +\S+ +/.exec(line)?.[0] ?? ''
    const meaning = this.wrap(line.slice(name.length), name.length + 2)
    return name + meaning.replaceAll('\n', `\n${' '.repeat(name.length)}`)
  }

  /** oclif trims the list: a first flag without a letter would stand to the left of all the others. */
  override renderList(...[rows, options]: Parameters<CommandHelp['renderList']>): string {
    const text = super.renderList(rows, options)
    const [first = ''] = rows[0] ?? []
    const inColumns = text.split('\n', 1)[0] !== first.trim()
    return inColumns ? first.slice(0, first.length - first.trimStart().length) + text : text
  }

  protected override defaultUsage(): string {
    const args = Object.values(this.command.args).filter((arg) => !arg.hidden)
    const required = Object.values(this.command.flags).filter((flag) => flag.required && !flag.hidden)
    return [
      this.command.id,
      ...args.map((arg) => this.arg(arg) + (arg.multiple || this.command.strict === false ? '...' : '')),
      ...required.map((flag) => `--${flag.name} ${helpValue(flag)}`),
      '[flags]',
    ].join(' ')
  }
}

function helpValue(flag: Command.Flag.Cached): string {
  const value = flag.type === 'option' ? flag.helpValue : undefined
  return (Array.isArray(value) ? value[0] : value) ?? flag.name.toUpperCase()
}

export class EtlHelp extends Help {
  protected override CommandHelpClass = EtlCommandHelp

  constructor(config: Interfaces.Config) {
    super(config, { flagSortOrder: 'none' })
  }

  /** All commands in one list: with topics folded away nobody finds `schema gen`. */
  protected override async showRootHelp(): Promise<void> {
    const commands = this.sortedCommands.filter((command) => command.id)
    this.log(`${this.config.pjson.description}\n`)
    this.log(this.list('EXAMPLES', FIRST_STEPS))
    this.log(`${this.section('USAGE', `$ ${this.config.bin} COMMAND [flags]`)}\n`)
    this.log(
      this.list(
        'COMMANDS',
        commands.map((command) => [command.id.replaceAll(':', ' '), this.summary(command) ?? '']),
      ),
    )
    this.log(this.list('EXIT CODES', Object.entries(exitCodeMeanings)))
    this.log(`${this.config.bin} COMMAND --help says more; every command knows --json and --debug.`)
  }

  private list(header: string, rows: readonly (readonly [string, string])[]): string {
    const body = this.renderList(
      rows.map(([left, right]) => [left, right]),
      { indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false },
    )
    return `${this.section(header, body)}\n`
  }
}
