import { Args } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { configFlag, registryFlags } from '../../src/cli/flags.ts'
import { Context } from '../../src/config/context.ts'
import { type SchemaChange, schemaChanges } from '../../src/schema/compat/diff.ts'
import { changesText } from '../../src/schema/compat/diff-text.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { loadSchema } from '../../src/schema/registry-client/schema-ref.ts'

export default class SchemaDiff extends EtlCommand {
  static override summary = 'say what changed from one schema to another'
  static override examples = [
    '<%= config.bin %> <%= command.id %> flights.v1.avsc flights.v2.avsc',
    '<%= config.bin %> <%= command.id %> flights-value:1 flights-value',
    '<%= config.bin %> <%= command.id %> flights-value schemas/flights.avsc --json',
  ]
  static override args = {
    old: Args.string({
      description: 'schema: a file, SUBJECT:VERSION, or SUBJECT for its latest',
      required: true,
    }),
    new: Args.string({ description: 'the schema to compare it with', required: true }),
  }
  static override flags = { ...configFlag, ...registryFlags }

  async run(): Promise<{ old: string; new: string; changes: SchemaChange[] }> {
    const { args, flags } = await this.parse(SchemaDiff)
    const registry = () => openRegistry(new Context(flags).registry())
    const before = await loadSchema(args.old, registry)
    const after = await loadSchema(args.new, registry)
    const changes = schemaChanges(before.schema, after.schema)
    this.log(changes.length === 0 ? 'the schemas say the same' : changesText(changes))
    return { old: before.label, new: after.label, changes }
  }
}
