import { Flags } from '@oclif/core'
import { EtlCommand } from '../src/cli/command.ts'
import { datasetFlags, selectDatasets, wishOf, withPlanParts } from '../src/cli/dataset-flags.ts'
import { planDocument, planText } from '../src/cli/plan-output.ts'
import { Context } from '../src/config/context.ts'
import { applySteps } from '../src/plan/apply.ts'
import { planDataset } from '../src/plan/plan.ts'
import type { Step } from '../src/plan/step.ts'

export default class Apply extends EtlCommand {
  static override summary = 'make registry, topic and tables as they should be'
  static override description =
    `Does what etl plan shows, and nothing when there is nothing to do. Never drops or narrows anything, and never
moves keys to other partitions, without --execute and the consent that the plan names.`

  static override examples = [
    {
      description: 'register the schema, create the topic and a table in each database',
      command: '<%= config.bin %> apply --topic flights --schema schemas/flights.avsc --partitions 4',
    },
    { description: 'all datasets of etl.yaml', command: '<%= config.bin %> apply' },
    {
      description: 'more partitions for a topic with keys',
      command:
        '<%= config.bin %> apply -t cars --schema schemas/cars.avsc -p 12 --execute --allow repartition',
    },
  ]

  static override flags = {
    ...datasetFlags,
    execute: Flags.boolean({ description: 'also make the changes that need a consent' }),
    allow: Flags.string({
      description: 'a consent that the plan names; several times',
      multiple: true,
      helpValue: 'CONSENT',
      dependsOn: ['execute'],
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Apply)
    const context = new Context(flags)
    const done: Step[] = []
    for (const dataset of selectDatasets(context, flags)) {
      const wish = await wishOf(dataset, flags)
      await withPlanParts(context, dataset, flags.sink, async (parts) => {
        const steps = await planDataset(wish, parts)
        await applySteps(steps, {
          consents: flags.allow ?? [],
          onDone: (step) => this.log(planText([step], { sql: false })),
        })
        done.push(...steps)
      })
    }
    if (done.length === 0) this.log('nothing to do: registry, topic and tables are as they should be')
    return { applied: planDocument(done) }
  }
}
