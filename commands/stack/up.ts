import { Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { progressLine } from '../../src/cli/progress.ts'
import { servicesArg, stackDirFlag } from '../../src/cli/stack-flags.ts'
import { UpProgress } from '../../src/stack/progress.ts'
import { parsePorts, parseServices } from '../../src/stack/selection.ts'
import { programOf } from '../../src/stack/services.ts'
import { stackDirectory } from '../../src/stack/stack-folder.ts'
import { readStackState, stateFile } from '../../src/stack/state.ts'
import { stackUp } from '../../src/stack/up.ts'

export default class StackUp extends EtlCommand {
  static override summary = 'start a local Kafka, schema registry, MariaDB and PostgreSQL'
  static override description =
    'Downloads the parts once from Maven Central (or ETL_MAVEN_REPOSITORY) into the cache folder, verified by ' +
    'checksum, and runs them without Docker or root on 127.0.0.1. Kafka and the registry need Java 17 or newer. ' +
    'What runs already is left alone. The addresses are written to .etl/stack.json, where the other commands ' +
    'find them.'
  static override examples = [
    '<%= config.bin %> stack up',
    '<%= config.bin %> stack up kafka postgres',
    '<%= config.bin %> stack up --port kafka=19092 --port mysql=13306',
    '<%= config.bin %> stack up --secure',
  ]
  static override strict = false
  static override args = servicesArg
  static override flags = {
    ...stackDirFlag,
    services: Flags.string({ char: 's', description: 'services as one list', helpValue: 'kafka,postgres' }),
    port: Flags.string({
      char: 'p',
      multiple: true,
      multipleNonGreedy: true,
      description: 'port to use instead of the first free one from the usual one upwards',
      helpValue: 'SERVICE=PORT',
    }),
    fast: Flags.boolean({ description: 'databases do not wait for the disk; a power cut can lose data' }),
    secure: Flags.boolean({
      description: 'TLS, certificates, passwords and ACLs everywhere; for a new stack',
    }),
  }

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(StackUp)
    const dir = stackDirectory(flags.dir)
    const display = progressLine(process.stderr)
    const started = await stackUp({
      dir,
      services: parseServices([...(argv as string[]), ...(flags.services?.split(',') ?? [])]),
      ports: parsePorts(flags.port ?? []),
      fast: flags.fast,
      secure: flags.secure,
      reporter: new UpProgress(display),
    }).finally(() => display.done())
    const secure = readStackState(dir)?.secure
    if (secure)
      this.logToStderr(`certificates and passwords are in ${secure.folder}, and are used by themselves here`)
    for (const line of aligned(started.map(({ name, address }) => [name, address, programOf(name)])))
      this.log(line)
    return {
      stateFile: stateFile(dir),
      secure: secure ?? null,
      services: started.map(({ name, outcome, seconds, address, state: { pid, port, log } }) => {
        return {
          service: name,
          program: programOf(name),
          outcome,
          seconds: Number(seconds.toFixed(2)),
          pid,
          port,
          address,
          log,
        }
      }),
    }
  }
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
