import { Flags } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { letterFilterFlags, lettersOf, queryOf } from '../../src/cli/dlq-flags.ts'
import { letterList, listDocument, nextSteps, noLetters } from '../../src/cli/dlq-output.ts'
import { Context } from '../../src/config/context.ts'
import { openSink } from '../../src/sink/open.ts'

export default class DlqList extends EtlCommand {
  static override summary = 'list the records that could not become rows, and why'
  static override description =
    'Reads the table etl_dead_letters of a topic and consumer group, pending letters first of all.'

  static override examples = [
    {
      description: 'what is pending',
      command: '<%= config.bin %> dlq list --topic flights --sink postgres',
    },
    {
      description: 'what the database refused for its data in the last day',
      command: '<%= config.bin %> dlq list -t flights -s mysql --class data --since 24h',
    },
    {
      description: 'for scripts',
      command: "<%= config.bin %> dlq list -t flights -s postgres --json | jq '.counts'",
    },
  ]

  static override flags = {
    ...letterFilterFlags,
    state: Flags.option({
      options: ['pending', 'replayed', 'all'] as const,
      description: 'replayed letters stay in the table',
      default: 'pending',
    })(),
    limit: Flags.integer({ description: 'letters shown', default: 100, min: 1, max: 10_000 }),
  }

  async run(): Promise<object> {
    const { flags } = await this.parse(DlqList)
    const { dataset, sink, group } = lettersOf(new Context(flags), flags.topic, flags)
    const query = { ...queryOf(dataset.topic, group, flags), state: flags.state }
    const box = openSink(sink.config)
    try {
      const letters = await box.letters(query, { limit: flags.limit })
      const counts = await box.countLetters(query)
      const place = { topic: dataset.topic, group, sink: sink.name }
      const [first] = letters
      this.log(first ? letterList(letters, counts) : noLetters(flags.state, place))
      if (first && flags.state === 'pending') this.logToStderr(nextSteps(first, flags.group, place))
      return { ...place, ...listDocument(letters, counts) }
    } finally {
      await box.close()
    }
  }
}
