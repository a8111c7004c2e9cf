import { availableParallelism } from 'node:os'
import { Args, Flags } from '@oclif/core'
import { EtlCommand } from '../src/cli/command.ts'
import { durationFlag, kafkaFlags, registryFlags, topicFlag } from '../src/cli/flags.ts'
import { produceInput } from '../src/cli/produce-input.ts'
import {
  exitCodeOf,
  produceDocument,
  produceProgress,
  produceSummary,
  resumeText,
} from '../src/cli/produce-output.ts'
import { progressLine } from '../src/cli/progress.ts'
import { stopSignal } from '../src/cli/stop-signal.ts'
import { Context } from '../src/config/context.ts'
import { keyFormats } from '../src/engine/produce/record-key.ts'
import { startProduce } from '../src/engine/produce/start.ts'
import { formats } from '../src/source/file/format.ts'

export default class Produce extends EtlCommand {
  static override summary = 'send records from NDJSON, JSON or CSV to a topic, as Avro'
  static override description =
    `Records of one key keep their order, whatever the number of threads; each partition's log has the order of the input.
Topic and schema must be there: etl apply makes them. A record that does not fit the schema stops the run, with line, field and reason.
Ctrl-C stops reading, sends what was read and says how far it came (exit code 130); a second Ctrl-C ends at once.`

  static override examples = [
    {
      description: "a file; the schema is the registry's latest for the topic",
      command: '<%= config.bin %> produce flights.ndjson --topic flights --key id',
    },
    {
      description: 'compressed CSV; records that do not fit go to a file',
      command: '<%= config.bin %> produce birds.csv.gz -t birds --on-bad skip --bad-file bad.ndjson',
    },
    {
      description: 'from a pipe, as it comes',
      command: '$ tail -F app.log | <%= config.bin %> produce -t app --format ndjson',
    },
    {
      description: 'a large file; after a crash the same command goes on, and each record is sent once',
      command: '<%= config.bin %> produce flights.ndjson -t flights --key id --resume',
    },
    {
      description: 'a million made-up records',
      command: '<%= config.bin %> produce -t flights --generate 1000000 --seed 1',
    },
    {
      description: 'check a file against a schema, send nothing',
      command: '<%= config.bin %> produce flights.ndjson -t flights --schema flights.avsc --dry-run',
    },
  ]

  static override strict = false
  static override args = {
    // Without ignoreStdin oclif would take piped records for a file's name.
    files: Args.string({
      description: 'input files, plain, gzip or zstd; - or nothing: stdin',
      name: 'FILES',
      ignoreStdin: true,
    }),
  }

  static override flags = {
    topic: topicFlag,
    ...kafkaFlags,
    ...registryFlags,
    schema: Flags.string({
      description: "Avro schema file; default: the registry's latest",
      helpValue: 'FILE',
    }),
    subject: Flags.string({ description: 'subject of the schema in the registry; default: TOPIC-value' }),
    register: Flags.boolean({
      description: 'register the schema file if it is not yet',
      dependsOn: ['schema'],
    }),
    key: Flags.string({
      char: 'k',
      description: 'fields of the key, with commas between them; default: no key',
      helpValue: 'FIELD,…',
    }),
    'key-format': Flags.option({
      options: keyFormats,
      description: 'how the key is written: its text, JSON, or Avro with a schema of its own',
      default: 'string',
    })(),
    format: Flags.option({
      options: formats,
      description: 'default: by the name of the file, or how it begins',
    })(),
    delimiter: Flags.string({
      description: 'CSV: character between fields; default: comma, for .tsv tab',
      helpValue: 'CHAR',
    }),
    limit: Flags.integer({ description: 'stop after so many records', min: 1, helpValue: 'N' }),
    generate: Flags.integer({
      description: 'make up so many records that fit the schema',
      min: 1,
      helpValue: 'N',
    }),
    seed: Flags.integer({
      description: 'the same seed gives the same records; default: 1',
      dependsOn: ['generate'],
    }),
    unique: Flags.string({
      description: 'made-up records differ in each of these fields',
      dependsOn: ['generate'],
      helpValue: 'FIELD,…',
    }),
    'on-bad': Flags.option({
      options: ['stop', 'skip'] as const,
      description: 'a record that does not fit the schema',
      default: 'stop',
    })(),
    'bad-file': Flags.string({
      description: 'with --on-bad skip: NDJSON file for these records, overwritten',
      helpValue: 'FILE',
    }),
    'ignore-unknown-fields': Flags.boolean({ description: 'leave out fields that the schema does not have' }),
    threads: Flags.integer({
      description: 'worker threads, each with a producer of its own; default: processors, 4 at the most',
      min: 1,
      max: 64,
      env: 'ETL_THREADS',
    }),
    compression: Flags.option({
      options: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const,
      description: 'of the batches in the log',
      default: 'lz4',
    })(),
    resume: Flags.boolean({
      description:
        'go on where an earlier run of the same input stopped, however it ended; nothing is sent twice',
      exclusive: ['dry-run'],
    }),
    'resume-id': Flags.string({
      description: 'with --resume: names the input; default: by its path, or its seed',
      dependsOn: ['resume'],
      helpValue: 'NAME',
    }),
    'delivery-timeout': durationFlag({
      description: 'how long an unacknowledged record is sent again; then the run fails',
      default: 120_000,
      defaultHelp: async () => '120s',
    }),
    'dry-run': Flags.boolean({ description: 'read and encode everything, send nothing' }),
  }

  async run(): Promise<object> {
    const { flags, argv } = await this.parse(Produce)
    const input = produceInput(argv as string[], flags)
    const context = new Context(flags)
    const dataset = context.dataset(flags.topic)
    const line = progressLine(process.stderr)
    const stop = stopSignal(() => line.print('stopping: sending what was read (Ctrl-C again ends at once)'))
    const started = performance.now()
    const outcome = await startProduce({
      kafka: () => context.kafka(),
      registry: () => context.registry(),
      input,
      topic: dataset.topic,
      subject: flags.subject ?? `${dataset.topic}-value`,
      schema: flags.schema ?? dataset.schema,
      register: flags.register,
      keyFields: flags.key?.split(',').map((field) => field.trim()) ?? dataset.key ?? [],
      keyFormat: flags['key-format'],
      threads: flags.threads ?? Math.min(availableParallelism(), 4),
      compression: flags.compression,
      onBad: flags['on-bad'],
      badFile: flags['bad-file'],
      unknownFields: flags['ignore-unknown-fields'] ? 'ignore' : 'error',
      dryRun: flags['dry-run'],
      resume: flags.resume ? { id: flags['resume-id'] } : undefined,
      onResume: (inputs) => line.print(resumeText(inputs)),
      deliveryTimeout: flags['delivery-timeout'],
      signal: stop.signal,
      onProgress: (totals, fraction) =>
        line.update(produceProgress(totals, fraction, (performance.now() - started) / 1000)),
    }).finally(() => {
      line.done()
      stop.dispose()
    })
    const heading = { topic: dataset.topic, dryRun: flags['dry-run'], badFile: flags['bad-file'] }
    this.log(produceSummary(outcome, heading))
    if (outcome.error !== undefined && !this.jsonEnabled()) throw outcome.error
    process.exitCode = exitCodeOf(outcome)
    return produceDocument(outcome, heading)
  }
}
