import { Flags } from '@oclif/core'
import { audit } from '../src/audit/audit.ts'
import type { AuditReport } from '../src/audit/report.ts'
import { auditText } from '../src/cli/audit-output.ts'
import { EtlCommand } from '../src/cli/command.ts'
import { kafkaFlags, registryFlags, sinksFlag, tableSchema, topicFlag } from '../src/cli/flags.ts'
import { progressLine } from '../src/cli/progress.ts'
import { Context, groupOf } from '../src/config/context.ts'
import { openRegistry } from '../src/schema/registry-client/client.ts'
import { openSink } from '../src/sink/open.ts'
import { exitCodeOf, worst } from '../src/verify/report.ts'

export default class Audit extends EtlCommand {
  static override summary = 'compare every record of the log with every row of the table, value by value'
  static override description =
    `Reads only, and joins no group. The log is read to the stored offsets and decoded by another library than
the consumer's; the table is read in one snapshot, so consumers may run meanwhile.
Exit code: 0 every row is what its record says · 3 lost, doubled, altered, foreign or out of order · 4 behind (lag left) · 5 unreachable`

  static override examples = [
    {
      description: 'after a load: is every row what its record says?',
      command: '<%= config.bin %> audit --topic flights --sink postgres',
    },
    {
      description: 'the offsets of lost records, for scripts',
      command: `<%= config.bin %> audit -t flights --json | jq '.reports[].partitions[].findings[] | select(.cause == "lost").examples'`,
    },
  ]

  static override flags = {
    topic: topicFlag,
    sink: sinksFlag,
    ...kafkaFlags,
    ...registryFlags,
    group: Flags.string({
      char: 'g',
      description: 'consumer group; default: as etl consume names it',
      env: 'ETL_GROUP',
    }),
    table: Flags.string({ description: "table; default: the topic's name" }),
    schema: Flags.string({
      description: "the table's schema; default: the registry's latest",
      helpValue: 'FILE',
    }),
    mode: Flags.option({
      options: ['insert', 'upsert'] as const,
      description: 'how the table was written; default: as etl consume chooses',
    })(),
    flatten: Flags.boolean({ description: 'nested records are columns of their own' }),
    'order-column': Flags.string({
      description: 'a column that counts the inserted rows up: rows of a partition must ascend in it',
      helpValue: 'COLUMN',
    }),
    examples: Flags.integer({ description: 'examples of each finding', default: 20, min: 0 }),
  }

  async run(): Promise<{ verdict: string; reports: AuditReport[] }> {
    const { flags } = await this.parse(Audit)
    const context = new Context(flags)
    const dataset = context.dataset(flags.topic)
    const schema = await tableSchema(flags.schema)
    const line = progressLine(process.stderr)
    const reports: AuditReport[] = []
    for (const { name, config } of context.selectSinks(flags.sink, dataset)) {
      const sink = openSink(config)
      const report = await audit({
        kafka: context.kafka(),
        registry: openRegistry(context.registry()),
        sink,
        sinkName: name,
        topic: dataset.topic,
        group: flags.group ?? groupOf(dataset, config),
        table: flags.table ?? dataset.table,
        schema,
        mode: flags.mode ?? dataset.mode,
        flatten: flags.flatten || dataset.flatten === true,
        examples: flags.examples,
        orderColumn: flags['order-column'],
        onProgress: ({ partition, records }) =>
          line.update(`${name}: ${records.toLocaleString('en-US')} records read, in partition ${partition}`),
      }).finally(async () => {
        line.done()
        await sink.close()
      })
      reports.push(report)
      this.log(auditText(report))
    }
    const verdict = worst(reports.map((report) => report.verdict))
    this.exitWith(exitCodeOf(verdict))
    return { verdict, reports }
  }
}
