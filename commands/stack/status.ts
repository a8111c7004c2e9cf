import { EtlCommand } from '../../src/cli/command.ts'
import { stackDirFlag } from '../../src/cli/stack-flags.ts'
import { textTable } from '../../src/cli/table.ts'
import { ExitCode } from '../../src/errors.ts'
import { stackDirectory } from '../../src/stack/stack-folder.ts'
import { readStackState, stateFile } from '../../src/stack/state.ts'
import { type ServiceStatus, stackStatus } from '../../src/stack/status.ts'

export default class StackStatus extends EtlCommand {
  static override summary = 'show which parts of the local stack run, and the end of the log of a crashed one'
  static override description = 'Exit code 5 when a service has crashed or does not answer, else 0.'
  static override examples = ['<%= config.bin %> stack status', '<%= config.bin %> stack status --json']
  static override flags = stackDirFlag

  async run(): Promise<object> {
    const { flags } = await this.parse(StackStatus)
    const dir = stackDirectory(flags.dir)
    const services = await stackStatus(dir)
    const rows = services.map(({ service, state, pid, address }) => [
      service,
      state,
      String(pid ?? ''),
      address ?? '',
    ])
    this.log(textTable(['service', 'state', 'pid', 'address'], rows))
    const broken = services.filter(({ detail }) => detail.length > 0)
    for (const service of broken) this.log(`\n${trouble(service)}`)
    if (broken.some(({ state }) => state === 'crashed')) this.log('\nStart what crashed again: etl stack up')
    if (services.every(({ state }) => state === 'stopped')) this.log(`\nNothing runs in ${dir}: etl stack up`)
    if (broken.length > 0) this.exitWith(ExitCode.unreachable)
    const secure = readStackState(dir)?.secure
    if (secure)
      this.log(`\nTLS and passwords everywhere, see ${secure.folder}; configuration: ${secure.config}`)
    return { stateFile: stateFile(dir), secure: secure ?? null, services }
  }
}

function trouble({ service, state, log, detail }: ServiceStatus): string {
  const head = state === 'crashed' ? `The end of ${log}:` : `${service} does not answer:`
  return [head, ...detail.map((line) => `  ${line}`)].join('\n')
}
