import { Args, Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { configFlag, registryFlags } from '../../src/cli/flags.ts'
import { Context } from '../../src/config/context.ts'
import { UsageError } from '../../src/errors.ts'
import { type Registration, registerSchema } from '../../src/schema/register.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { loadSchemaFile, parseReference } from '../../src/schema/registry-client/schema-ref.ts'
import { subjectName, subjectStrategies } from '../../src/schema/subject.ts'

export default class SchemaRegister extends EtlCommand {
  static override summary = 'register schema files; those that are registered already stay as they are'
  static override examples = [
    '<%= config.bin %> <%= command.id %> schemas/flights.avsc --topic flights',
    '<%= config.bin %> <%= command.id %> schemas/order.avsc --strategy record-name',
    '<%= config.bin %> <%= command.id %> person.avsc --subject person --reference com.exam.Address=address:1',
  ]
  static override strict = false
  static override args = {
    file: Args.string({ description: 'schema file, as many as you like', required: true }),
  }
  static override flags = {
    topic: Flags.string({ char: 't', description: 'topic that the subject is named after' }),
    subject: Flags.string({
      description: 'subject, when no strategy names it',
      exclusive: ['topic', 'strategy'],
    }),
    strategy: Flags.option({
      options: subjectStrategies,
      default: 'topic-name' as const,
      description: 'how the subject is named: TOPIC-value, RECORD, TOPIC-RECORD',
    })(),
    key: Flags.boolean({ description: "it is the key's schema: TOPIC-key" }),
    reference: Flags.string({
      description: 'a registered schema whose types the file uses',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME=SUBJECT:VERSION',
    }),
    check: Flags.boolean({
      description: 'check the compatibility first and say what does not fit',
      default: true,
      allowNo: true,
    }),
    ...configFlag,
    ...registryFlags,
  }

  async run(): Promise<{ registered: Registration[] }> {
    const { flags, argv } = await this.parse(SchemaRegister)
    const files = argv as string[]
    if (files.length > 1 && (flags.subject || flags.strategy === 'topic-name')) {
      throw new UsageError('several files cannot have one subject', {
        next: 'register them one by one, or with --strategy record-name or topic-record-name',
      })
    }
    const registry = openRegistry(new Context(flags).registry())
    const references = flags.reference?.map(parseReference) ?? []
    const registered: Registration[] = []
    // All are read before the first is registered.
    const schemas = await Promise.all(files.map((file) => loadSchemaFile(file, () => registry, references)))
    for (const loaded of schemas) {
      const { topic, strategy } = flags
      const record = loaded.schema.type === 'record' ? loaded.schema.fullName : undefined
      const subject =
        flags.subject ?? subjectName({ strategy, topic, record, part: flags.key ? 'key' : 'value' })
      const done = await registerSchema(registry, loaded, subject, references, { check: flags.check })
      this.log(`${done.outcome} ${done.subject} version ${done.version}, id ${done.id} (${done.file})`)
      registered.push(done)
    }
    return { registered }
  }
}
