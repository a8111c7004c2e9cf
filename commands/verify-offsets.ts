import { writeFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import { EtlCommand } from '../src/cli/command.ts'
import { durationFlag, kafkaFlags, sinksFlag, topicFlag } from '../src/cli/flags.ts'
import { stopSignal } from '../src/cli/stop-signal.ts'
import { verifyText } from '../src/cli/verify-output.ts'
import { Context, groupOf } from '../src/config/context.ts'
import { UsageError } from '../src/errors.ts'
import { openAdmin, openPartitionReader } from '../src/kafka/open.ts'
import { openSink } from '../src/sink/open.ts'
import { junitXml } from '../src/verify/junit.ts'
import { exitCodeOf, type VerifyReport, worst } from '../src/verify/report.ts'
import { verifyOffsets } from '../src/verify/verify-offsets.ts'

export default class VerifyOffsets extends EtlCommand {
  static override summary =
    'compare log, stored offsets, ledger and rows: is every record stored exactly once?'
  static override description =
    `Reads only, and joins no group. Records are counted from the log, so transaction markers and
aborted records never look like a loss.
Exit code: 0 every record is stored once · 3 lost or doubled · 4 behind (lag left) · 5 unreachable`

  static override examples = [
    {
      description: 'after a load',
      command: '<%= config.bin %> verify-offsets --topic flights --sink postgres',
    },
    {
      description: 'in CI: wait until the consumers have caught up, and keep the result',
      command: '<%= config.bin %> verify-offsets -t flights --wait 60s --junit verify.xml',
    },
    {
      description: 'for scripts',
      command: "<%= config.bin %> verify-offsets -t flights --json | jq '.reports[].totals'",
    },
  ]

  static override flags = {
    topic: topicFlag,
    sink: sinksFlag,
    ...kafkaFlags,
    group: Flags.string({
      char: 'g',
      description: 'consumer group; default: as etl consume names it',
      env: 'ETL_GROUP',
    }),
    table: Flags.string({ description: "table; default: the topic's name" }),
    mode: Flags.option({
      options: ['insert', 'upsert'] as const,
      description: 'how the table was written; default: as etl consume chooses',
    })(),
    wait: durationFlag({ description: 'wait so long for lag 0', default: 0 }),
    junit: Flags.string({ description: 'write JUnit XML to this file', helpValue: 'FILE' }),
  }

  async run(): Promise<{ verdict: string; reports: VerifyReport[] }> {
    const { flags } = await this.parse(VerifyOffsets)
    const context = new Context(flags)
    const dataset = context.dataset(flags.topic)
    const stop = stopSignal(() => {})
    const kafka = context.kafka()
    const admin = openAdmin(kafka)
    const reader = openPartitionReader(kafka)
    const reports: VerifyReport[] = []
    try {
      for (const { name, config } of context.selectSinks(flags.sink, dataset)) {
        const sink = openSink(config)
        const request = {
          topic: dataset.topic,
          group: flags.group ?? groupOf(dataset, config),
          table: flags.table ?? dataset.table,
          sinkName: name,
          mode: flags.mode ?? dataset.mode,
          wait: flags.wait,
          signal: stop.signal,
        }
        const report = await verifyOffsets(request, { admin, reader, sink }).finally(() => sink.close())
        reports.push(report)
        this.log(verifyText(report))
      }
    } finally {
      await Promise.all([admin.close(), reader.close()])
      stop.dispose()
    }
    if (flags.junit !== undefined) await this.writeJunit(flags.junit, reports)
    const verdict = worst(reports.map((report) => report.verdict))
    this.exitWith(exitCodeOf(verdict))
    return { verdict, reports }
  }

  private async writeJunit(file: string, reports: readonly VerifyReport[]): Promise<void> {
    await writeFile(file, junitXml(reports)).catch((cause: unknown) => {
      throw new UsageError('the JUnit file cannot be written', { where: file, cause })
    })
  }
}
