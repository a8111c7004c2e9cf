import { Args } from '@oclif/core'
import { EtlCommand } from '../../src/cli/command.ts'
import { lettersOf, lettersOfFlags, noSuchLetter, parsePlace } from '../../src/cli/dlq-flags.ts'
import { letterText, showDocument } from '../../src/cli/dlq-output.ts'
import { registryFlags } from '../../src/cli/flags.ts'
import { Context } from '../../src/config/context.ts'
import { showLetter } from '../../src/engine/dlq/show.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import { openSink } from '../../src/sink/open.ts'

export default class DlqShow extends EtlCommand {
  static override summary = 'show one dead letter: key, value, headers, error'
  static override description =
    'Key and value are decoded with the schemas that they name, where they can be; else they are text or hex, with the reason.'

  static override examples = [
    {
      description: 'the record at offset 42 of partition 0',
      command: '<%= config.bin %> dlq show flights/0/42 --sink postgres',
    },
    {
      description: 'its bytes',
      command: '<%= config.bin %> dlq show flights/0/42 -s postgres --json | jq -r .value.base64 | base64 -d',
    },
  ]

  static override args = {
    letter: Args.string({ description: 'TOPIC/PARTITION/OFFSET, as etl dlq list has them', required: true }),
  }

  static override flags = { ...lettersOfFlags, ...registryFlags }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(DlqShow)
    const context = new Context(flags)
    const { topic, partition, offset } = parsePlace(args.letter)
    const { dataset, sink, group } = lettersOf(context, topic, flags)
    const box = openSink(sink.config)
    const registry = openRegistry(context.registry())
    try {
      const query = { topic: dataset.topic, group, state: 'all', partitions: [partition], offset } as const
      const [letter] = await box.letters(query, { limit: 1 })
      if (!letter) throw noSuchLetter(args.letter, sink.name, group)
      const shown = await showLetter(registry, letter)
      this.log(letterText(letter, shown))
      return showDocument(letter, shown)
    } finally {
      registry.close()
      await box.close()
    }
  }
}
