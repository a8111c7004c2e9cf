import { hostname } from 'node:os'
import { Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { letterFilterFlags, lettersOf, queryOf } from '../../src/cli/dlq-flags.ts'
import { planText, replayExitCode, replayPlan, replayText } from '../../src/cli/dlq-output.ts'
import { kafkaFlags, registryFlags, tableSchema } from '../../src/cli/flags.ts'
import { progressLine } from '../../src/cli/progress.ts'
import { stopSignal } from '../../src/cli/stop-signal.ts'
import { Context } from '../../src/config/context.ts'
import { startReplay } from '../../src/engine/dlq/start.ts'

export default class DlqReplay extends EtlCommand {
  static override summary = 'try dead letters again, each exactly once'
  static override description =
    `Takes pending letters the same way as etl consume takes records: decoded with the table's schema, written, and
marked in one transaction. Without --execute it only says what it would do. Letters that are refused again count one try more.
Exit code: 0 all chosen letters are replayed · 4 some are left: refused again, at the cap, or not reached before Ctrl-C · 5 unreachable`

  static override examples = [
    {
      description: 'what would be done',
      command: '<%= config.bin %> dlq replay --topic flights --sink postgres',
    },
    {
      description: 'after the table was put right (etl apply)',
      command: '<%= config.bin %> dlq replay -t flights -s postgres --class data --execute',
    },
  ]

  static override flags = {
    ...letterFilterFlags,
    ...kafkaFlags,
    ...registryFlags,
    table: Flags.string({ description: "table; default: the topic's name" }),
    schema: Flags.string({
      description: "Avro schema file of the table; default: the registry's latest",
      helpValue: 'FILE',
    }),
    mode: Flags.option({
      options: ['insert', 'upsert'] as const,
      description: 'default: as etl consume chooses',
    })(),
    flatten: Flags.boolean({ description: 'nested records are columns, as in etl apply --flatten' }),
    'max-attempts': Flags.integer({
      description: 'letters that were tried so often are left',
      default: 5,
      min: 1,
    }),
    overwrite: Flags.boolean({ description: 'upsert: write over newer rows of the same key too' }),
    execute: Flags.boolean({ description: 'do it' }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(DlqReplay)
    const context = new Context(flags)
    const { dataset, sink, group } = lettersOf(context, flags.topic, flags)
    const line = progressLine(process.stderr)
    const stop = stopSignal(() => line.print('stopping after the transaction in progress'))
    const result = await startReplay({
      kafka: () => context.kafka(),
      registry: context.registry(),
      sink: sink.config,
      table: flags.table ?? dataset.table,
      schema: await tableSchema(flags.schema),
      mode: flags.mode ?? dataset.mode,
      flatten: flags.flatten || dataset.flatten === true,
      query: queryOf(dataset.topic, group, flags),
      maxAttempts: flags['max-attempts'],
      overwrite: flags.overwrite,
      execute: flags.execute,
      owner: `${hostname()}/${process.pid}`,
      signal: stop.signal,
      onProgress: ({ stored, failed }) =>
        line.update(
          `${stored.toLocaleString('en-US')} stored, ${failed.length.toLocaleString('en-US')} refused`,
        ),
    }).finally(() => {
      line.done()
      stop.dispose()
    })
    const plan = replayPlan(result, flags['max-attempts'])
    const place = { topic: dataset.topic, group, sink: sink.name }
    this.log(planText(result, flags['max-attempts'], place))
    const { totals } = result
    if (totals) {
      this.log(replayText(totals))
      this.exitWith(replayExitCode(plan, totals, stop.signal.aborted))
    } else if (plan.chosen > 0n)
      this.logToStderr('\nnothing was done; the same command with --execute does it')
    return {
      ...place,
      mode: result.mode,
      plan: { ...plan, letters: result.chosen },
      executed: totals !== undefined,
      ...totals,
    }
  }
}
