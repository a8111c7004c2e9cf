import { join } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { sampleSets } from '../../src/schema/infer/dataset-name.ts'
import { explainText, summaryText } from '../../src/schema/infer/explain-text.ts'
import { generateSchemas, sampleForms } from '../../src/schema/infer/generate.ts'
import { type InferredSchema, schemaFileText } from '../../src/schema/infer/infer.ts'
import { plannedOutcome, writeSchemaFile } from '../../src/schema/infer/schema-file.ts'
import { formats } from '../../src/source/file/format.ts'
import { readAllSamples } from '../../src/source/samples.ts'

const pathFlag = { multiple: true, multipleNonGreedy: true, helpValue: 'PATH' } as const

export default class SchemaGen extends EtlCommand {
  static override summary = 'make Avro schemas from samples: JSON, NDJSON or CSV'
  static override description = `Reads every sample, so that each fits the schema, and holds one at a time.
Each file becomes one schema named after it; with --name all files are samples of one.
A file of the form [{"name": "dataset1", "fields": {"field": "type"}}] declares datasets.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> flights.json',
    '<%= config.bin %> <%= command.id %> movies.json --explain',
    '<%= config.bin %> <%= command.id %> monday.csv tuesday.csv --name birdstrikes --decimals',
    'curl -s URL | <%= config.bin %> <%= command.id %> - --name events --namespace com.exam --stdout',
  ]
  static override strict = false
  static override args = {
    file: Args.string({ description: 'sample file, as many as you like; - for stdin', required: true }),
  }
  static override flags = {
    name: Flags.string({ char: 'n', description: 'name of the dataset; default: the name of the file' }),
    namespace: Flags.string({ description: "the record's namespace", helpValue: 'com.exam' }),
    out: Flags.string({
      char: 'o',
      description: 'directory for NAME.avsc',
      default: 'schemas',
      helpValue: 'DIR',
    }),
    stdout: Flags.boolean({ description: 'print the schema and write no file', exclusive: ['force'] }),
    force: Flags.boolean({ description: 'replace a schema file that is different' }),
    explain: Flags.boolean({ description: 'say for each field what made its type' }),
    decimals: Flags.boolean({ description: 'numbers with a fraction become decimal instead of double' }),
    'plain-strings': Flags.boolean({ description: 'no timestamps, dates and uuids: strings stay strings' }),
    map: Flags.string({ ...pathFlag, description: 'the object at PATH is a map' }),
    'no-maps': Flags.boolean({ description: 'objects are maps only where --map says so' }),
    base64: Flags.string({ ...pathFlag, description: 'the strings at PATH are bytes in base64' }),
    format: Flags.option({
      options: formats,
      description: 'format of the samples; default: by name or text',
    })(),
    as: Flags.option({
      options: sampleForms,
      default: 'auto' as const,
      description: 'what the objects are',
    })(),
  }

  async run(): Promise<{ schemas: object[] }> {
    const { flags, argv } = await this.parse(SchemaGen)
    const schemas: InferredSchema[] = []
    for (const { name, paths } of sampleSets(argv as string[], flags.name)) {
      const samples = readAllSamples(paths, flags.format ? { format: flags.format } : {})
      const {
        namespace,
        decimals,
        map: maps,
        base64,
        'plain-strings': plainStrings,
        'no-maps': noMaps,
      } = flags
      const options = {
        name,
        namespace,
        decimals,
        plainStrings,
        maps: maps ?? [],
        noMaps,
        base64: base64 ?? [],
      }
      schemas.push(...(await generateSchemas(samples, options, flags.as)))
    }
    const files = schemas.map((schema) => ({
      path: join(flags.out, `${schema.name}.avsc`),
      text: schemaFileText(schema.avro),
    }))
    // All are looked at before the first is written.
    const outcomes = flags.stdout
      ? []
      : files.map(({ path, text }) => plannedOutcome(path, text, flags.force))
    return {
      schemas: schemas.map((schema, i) => this.deliver(schema, files[i] as File, outcomes[i], flags.explain)),
    }
  }

  /** Writes or prints one schema and returns what `--json` says of it. */
  private deliver(
    schema: InferredSchema,
    { path, text }: File,
    outcome: string | undefined,
    explain: boolean,
  ): object {
    if (outcome && outcome !== 'unchanged') writeSchemaFile(path, text)
    const { fullName: name, samples, avro, fields } = schema
    const document = { name, samples, schema: avro, ...(explain ? { fields } : {}) }
    if (!outcome) {
      this.log(text.trimEnd())
      if (explain) this.logToStderr(explainText(schema))
      return document
    }
    this.log(`${outcome} ${path}: ${summaryText(schema)}`)
    if (explain) this.log(explainText(schema))
    return { file: path, outcome, ...document }
  }
}

interface File {
  readonly path: string
  readonly text: string
}
