import { Args, Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { stackDirFlag } from '../../src/cli/stack-flags.ts'
import { stopSignal } from '../../src/cli/stop-signal.ts'
import { UsageError } from '../../src/errors.ts'
import { follow, tail } from '../../src/stack/log.ts'
import { parseServices } from '../../src/stack/selection.ts'
import { logFile } from '../../src/stack/services.ts'
import { stackDirectory } from '../../src/stack/stack-folder.ts'
import { serviceNames } from '../../src/stack/state.ts'

export default class StackLogs extends EtlCommand {
  static override summary = "show the end of a service's log"
  static override examples = [
    '<%= config.bin %> stack logs kafka',
    '<%= config.bin %> stack logs postgres --lines 200',
    '<%= config.bin %> stack logs mysql --follow',
  ]
  static override args = {
    service: Args.string({ description: serviceNames.join(', '), required: true }),
  }
  static override flags = {
    ...stackDirFlag,
    lines: Flags.integer({ char: 'n', description: 'lines from the end', default: 40, min: 0 }),
    follow: Flags.boolean({
      char: 'f',
      description: 'go on with what is added, until Ctrl-C',
      exclusive: ['json'],
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StackLogs)
    const [service] = parseServices([args.service])
    if (service === undefined) throw new UsageError('no service was named')
    const log = logFile(stackDirectory(flags.dir), service)
    const { lines, size } = await tail(log, flags.lines)
    if (lines.length > 0) this.log(lines.join('\n'))
    if (flags.follow) await this.followFrom(log, size)
    else if (size === 0)
      this.logToStderr(`${log} is empty or not there; start the service: etl stack up ${service}`)
    return { service, log, lines }
  }

  private async followFrom(log: string, size: number): Promise<void> {
    const stop = stopSignal(() => {})
    try {
      for await (const text of follow(log, size, stop.signal)) process.stdout.write(text)
    } finally {
      stop.dispose()
    }
  }
}
