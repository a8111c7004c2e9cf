import { Args, Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { configFlag, registryFlags } from '../../src/cli/flags.ts'
import { Context } from '../../src/config/context.ts'
import { ExitCode, UsageError } from '../../src/errors.ts'
import { checkSubject, type SubjectCheck } from '../../src/schema/compat/check.ts'
import { levelProblems } from '../../src/schema/compat/compatibility.ts'
import { problemsText } from '../../src/schema/compat/problem-text.ts'
import { type CompatibilityLevel, compatibilityLevels } from '../../src/schema/registry.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { loadSchema, parseReference } from '../../src/schema/registry-client/schema-ref.ts'

export default class SchemaCheck extends EtlCommand {
  static override summary = 'check whether a schema can follow another: OLD and NEW, or NEW and a subject'
  static override description =
    `Each incompatibility is printed with its field and rule; then the exit code is 3.
Besides Avro's rules it finds changes that Avro lets pass although they change what values mean, such as
another scale of a decimal or timestamp-millis that become timestamp-micros.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> flights.v1.avsc flights.v2.avsc --level FULL',
    '<%= config.bin %> <%= command.id %> schemas/flights.avsc --subject flights-value',
    '<%= config.bin %> <%= command.id %> flights-value:1 schemas/flights.avsc',
  ]
  static override args = {
    schema: Args.string({ description: 'schema: a file, SUBJECT or SUBJECT:VERSION', required: true }),
    next: Args.string({ description: 'the schema that is to follow it' }),
  }
  static override flags = {
    subject: Flags.string({ description: 'compare with the versions of this subject', helpValue: 'SUBJECT' }),
    level: Flags.option({
      options: compatibilityLevels,
      description: "compatibility level; default: the subject's, or BACKWARD between two schemas",
    })(),
    reference: Flags.string({
      description: "a registered schema whose types the files' schemas use",
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME=SUBJECT:VERSION',
    }),
    ...configFlag,
    ...registryFlags,
  }

  async run(): Promise<SubjectCheck & { compatible: boolean }> {
    const { args, flags } = await this.parse(SchemaCheck)
    const registry = () => openRegistry(new Context(flags).registry())
    const references = flags.reference?.map(parseReference)
    const first = await loadSchema(args.schema, registry, references)
    const check = flags.subject
      ? await checkSubject(registry(), flags.subject, first.schema, flags.level)
      : await this.compare(first, args.next, flags.level ?? 'BACKWARD', (ref) =>
          loadSchema(ref, registry, references),
        )
    return this.report(check)
  }

  private async compare(
    old: Awaited<ReturnType<typeof loadSchema>>,
    next: string | undefined,
    level: CompatibilityLevel,
    load: (ref: string) => ReturnType<typeof loadSchema>,
  ): Promise<SubjectCheck> {
    if (!next) {
      throw new UsageError('nothing to compare with', {
        next: 'etl schema check OLD NEW, or etl schema check FILE --subject SUBJECT',
      })
    }
    const { schema } = await load(next)
    return { level, compared: [old.label], problems: levelProblems(schema, [old], level) }
  }

  private report(check: SubjectCheck): SubjectCheck & { compatible: boolean } {
    const { level, compared, problems } = check
    const compatible = problems.length === 0
    if (!compatible) {
      this.log(`not ${level} compatible: ${problems.length} ${problems.length === 1 ? 'place' : 'places'}`)
      this.log(problemsText(problems))
      this.exitWith(ExitCode.verificationFailed)
    } else if (level === 'NONE') this.log('level NONE: nothing is compared; --level BACKWARD does')
    else if (compared.length === 0) this.log(`${level} compatible: the subject has no version yet`)
    else this.log(`${level} compatible with ${compared.join(', ')}`)
    return { compatible, ...check }
  }
}
