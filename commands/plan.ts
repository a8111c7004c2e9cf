import { Flags } from '@oclif/core'
import { EtlCommand } from '../src/cli/command.ts'
import { datasetFlags, selectDatasets, wishOf, withPlanParts } from '../src/cli/dataset-flags.ts'
import { planDocument, planText } from '../src/cli/plan-output.ts'
import { Context } from '../src/config/context.ts'
import { ExitCode } from '../src/errors.ts'
import { planDataset } from '../src/plan/plan.ts'
import type { Step } from '../src/plan/step.ts'

export default class Plan extends EtlCommand {
  static override summary = 'show what registry, topic and tables lack: one schema, one topic, one table'
  static override description =
    'Compares and changes nothing. A mapping that could lose data is refused here, with the flag that allows it.'

  static override examples = [
    {
      description: 'a new topic with a table in each database',
      command: '<%= config.bin %> plan --topic flights --schema schemas/flights.avsc',
    },
    {
      description: 'a table with a key, in one database',
      command: '<%= config.bin %> plan -t cars --schema schemas/cars.avsc --key id --sink mysql',
    },
    {
      description: 'all datasets of etl.yaml, for CI: exit 6 when something is to do',
      command: '<%= config.bin %> plan --detailed-exitcode',
    },
  ]

  static override flags = {
    ...datasetFlags,
    sql: Flags.boolean({ description: 'show the statements too' }),
    'detailed-exitcode': Flags.boolean({ description: 'exit 6 when there are changes' }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Plan)
    const context = new Context(flags)
    const steps: Step[] = []
    for (const dataset of selectDatasets(context, flags)) {
      const wish = await wishOf(dataset, flags)
      steps.push(...(await withPlanParts(context, dataset, flags.sink, (parts) => planDataset(wish, parts))))
    }
    this.log(
      steps.length > 0
        ? planText(steps, { sql: flags.sql })
        : 'nothing to do: registry, topic and tables are as they should be',
    )
    if (steps.length > 0)
      this.logToStderr(
        `\n${steps.length} ${steps.length === 1 ? 'change' : 'changes'}; etl apply with the same flags makes them`,
      )
    if (flags['detailed-exitcode'] && steps.length > 0) this.exitWith(ExitCode.changesPending)
    return { changes: planDocument(steps) }
  }
}
