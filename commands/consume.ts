import { hostname } from 'node:os'
import { Flags } from '@oclif/core'
import { EtlCommand } from '../src/cli/command.ts'
import { consumeDocument, consumeProgress, consumeSummary } from '../src/cli/consume-output.ts'
import {
  durationFlag,
  kafkaFlags,
  registryFlags,
  sinkFlag,
  tableSchema,
  topicFlag,
} from '../src/cli/flags.ts'
import { stopSignal } from '../src/cli/stop-signal.ts'
import { Context, groupOf } from '../src/config/context.ts'
import { startConsume } from '../src/engine/consume/start.ts'

export default class Consume extends EtlCommand {
  static override summary = 'store the records of a topic in a database, exactly once'
  static override description =
    `Each thread is a member of the consumer group and writes the rows of its partitions
together with the next offset (table kafka_offsets) in one transaction. More processes with the same group share the partitions.
Ctrl-C finishes the transactions in progress and leaves the group; a second Ctrl-C ends at once, and nothing is lost or doubled by it.`

  static override examples = [
    {
      description: 'until everything that is in the topic now is stored',
      command: '<%= config.bin %> consume --topic flights --sink postgres --until-end',
    },
    {
      description: 'all the time, four threads',
      command: '<%= config.bin %> consume --topic flights --sink mysql --threads 4',
    },
    {
      description: 'in CI',
      command: '<%= config.bin %> consume -t flights -s postgres --until-end --json | jq .written',
    },
  ]

  static override flags = {
    topic: topicFlag,
    sink: sinkFlag,
    ...kafkaFlags,
    ...registryFlags,
    group: Flags.string({
      char: 'g',
      description: 'consumer group; default: etl-TOPIC-KIND-DATABASE',
      env: 'ETL_GROUP',
    }),
    table: Flags.string({ description: "table; default: the topic's name" }),
    schema: Flags.string({
      description: "Avro schema file of the table; default: the registry's latest",
      helpValue: 'FILE',
    }),
    mode: Flags.option({
      options: ['insert', 'upsert'] as const,
      description: 'default: upsert where the table has a primary key from the data, else insert',
    })(),
    flatten: Flags.boolean({ description: 'nested records are columns, as in etl apply --flatten' }),
    threads: Flags.integer({
      description: 'worker threads, each a member of the group',
      default: 4,
      min: 1,
      max: 64,
      env: 'ETL_THREADS',
    }),
    from: Flags.option({
      options: ['earliest', 'latest'] as const,
      description: 'where a partition starts that has no offset stored',
      default: 'earliest',
    })(),
    'until-end': Flags.boolean({ description: 'stop at the high watermarks seen at start' }),
    'max-records': Flags.integer({ description: 'stop after so many records', min: 1, helpValue: 'N' }),
    'batch-records': Flags.integer({
      description: 'records in one transaction at the most',
      default: 10_000,
      min: 1,
      max: 100_000,
    }),
    'session-timeout': durationFlag({
      description: 'a member that is silent for so long loses its partitions',
      default: 30_000,
      defaultHelp: async () => '30s',
    }),
    'on-error': Flags.option({
      options: ['dlq', 'stop'] as const,
      description: 'a record that does not fit: to the table etl_dead_letters, or stop',
      default: 'dlq',
    })(),
    'dlq-topic': Flags.string({
      description: 'copy dead letters to this topic too; it must exist',
      helpValue: 'TOPIC',
    }),
    'retry-for': durationFlag({
      description:
        'give up (exit 5) when a server is away for longer; default: never, 5m with --until-end or --max-records',
    }),
    ledger: Flags.boolean({
      description: 'one row a transaction in etl_ledger; verify-offsets reads it',
      default: true,
      allowNo: true,
    }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(Consume)
    const context = new Context(flags)
    const dataset = context.dataset(flags.topic)
    const sink = context.oneSink(flags.sink, dataset)
    const line = consumeProgress(process.stderr)
    const stop = stopSignal(() =>
      line.print('stopping: finishing the transactions in progress (Ctrl-C again ends at once)'),
    )
    const result = await startConsume({
      kafka: context.kafka(),
      registry: context.registry(),
      sink,
      topic: dataset.topic,
      group: flags.group ?? groupOf(dataset, sink.config),
      table: flags.table ?? dataset.table,
      schema: await tableSchema(flags.schema),
      mode: flags.mode ?? dataset.mode,
      flatten: flags.flatten || dataset.flatten === true,
      threads: flags.threads,
      from: flags.from,
      untilEnd: flags['until-end'],
      maxRecords: flags['max-records'],
      batchRecords: flags['batch-records'],
      sessionTimeout: flags['session-timeout'],
      onError: flags['on-error'],
      ledger: flags.ledger,
      dlqTopic: flags['dlq-topic'],
      retryFor: flags['retry-for'],
      owner: `${hostname()}/${process.pid}`,
      signal: stop.signal,
      onProgress: (progress) => line.update(progress),
    }).finally(() => {
      line.done()
      stop.dispose()
    })
    this.log(consumeSummary(result))
    this.exitWith(result.exitCode)
    return consumeDocument(result)
  }
}
