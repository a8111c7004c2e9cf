import { Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { servicesArg, stackDirFlag } from '../../src/cli/stack-flags.ts'
import { type StoppedService, stackDown } from '../../src/stack/down.ts'
import { parseServices } from '../../src/stack/selection.ts'
import { stackDirectory } from '../../src/stack/stack-folder.ts'

export default class StackDown extends EtlCommand {
  static override summary = 'end what etl stack up started'
  static override description =
    'Ends the processes of .etl/stack.json in order, and no others: each is known by its process id and the ' +
    'time it started. Topics, schemas and tables stay for the next start, unless --purge is given.'
  static override examples = [
    '<%= config.bin %> stack down',
    '<%= config.bin %> stack down kafka',
    '<%= config.bin %> stack down --purge',
  ]
  static override strict = false
  static override args = servicesArg
  static override flags = {
    ...stackDirFlag,
    services: Flags.string({ char: 's', description: 'services as one list', helpValue: 'kafka,postgres' }),
    purge: Flags.boolean({ description: 'delete the data and the logs, too' }),
  }

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(StackDown)
    const dir = stackDirectory(flags.dir)
    const services = await stackDown({
      dir,
      services: parseServices([...(argv as string[]), ...(flags.services?.split(',') ?? [])]),
      purge: flags.purge,
      note: (text) => this.logToStderr(text),
    })
    for (const service of services) this.log(`${service.name.padEnd(8)}  ${sentence(service)}`)
    return {
      dir,
      services: services.map(({ name, outcome, seconds, purged }) => {
        return { service: name, outcome, seconds: Number(seconds.toFixed(2)), purged: purged ?? null }
      }),
    }
  }
}

function sentence({ outcome, seconds, purged }: StoppedService): string {
  const deleted = purged === undefined ? '' : `, deleted ${purged}`
  const time = `${seconds.toFixed(1)} s`
  switch (outcome) {
    case 'stopped':
      return `stopped in ${time}${deleted}`
    case 'killed':
      return `killed: it did not stop in ${time}${deleted}`
    case 'crashed':
      return `had crashed${deleted}`
    case 'not running':
      return `was not running${deleted}`
  }
}
