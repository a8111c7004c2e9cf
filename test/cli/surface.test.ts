import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import type { Command, Config } from '@oclif/core'
import { programFromSources, root } from '../../bin/sources.ts'
import { loadConfig } from '../../src/cli/program.ts'
import { ExitCode } from '../../src/errors.ts'

/**
 * What scripts rely on. A difference is either a mistake or a decision: `npm run surface:update` records it,
 * and it belongs into CHANGELOG.md.
 */
suite('command surface', () => {
  let config: Config

  before(async () => {
    config = await loadConfig({ ...programFromSources(), strict: true })
  })

  test('every command, flag, argument, alias and exit code is as recorded', (t) => {
    const commands = config.commands.map((command) => [command.id, surfaceOf(command)])
    const surface = { commands: Object.fromEntries(commands.sort()), exitCodes: ExitCode }
    t.assert.fileSnapshot(surface, join(root, 'test/fixtures/surface.json'))
  })

  test('every command has a summary, an example that names it, and --json', () => {
    for (const { id, summary, examples = [], flags } of config.commands) {
      const name = `etl ${id.replaceAll(':', ' ')}`
      const texts = examples.map((example) => (typeof example === 'string' ? example : example.command))
      assert.ok(summary, `${name} has no summary`)
      assert.ok(
        texts.map((text) => rendered(text, id)).some((text) => text.includes(name)),
        `${name} has no example`,
      )
      assert.ok(flags.json, `${name} does not know --json`)
    }
  })

  test('no flag takes -h, no flag holds a secret, environment variables start with ETL_', () => {
    for (const { id, flags } of config.commands) {
      for (const { name, char, env } of Object.values(flags)) {
        assert.notEqual(char, 'h', `${id} --${name}`)
        assert.doesNotMatch(name, /password|secret|token/, id)
        assert.match(env ?? 'ETL_', /^ETL_/, `${id} --${name}`)
      }
    }
  })
})

function rendered(example: string, id: string): string {
  return example
    .replaceAll('<%= config.bin %>', 'etl')
    .replaceAll('<%= command.id %>', id.replaceAll(':', ' '))
}

function surfaceOf({ aliases, hidden, strict, args, flags }: Command.Loadable): object {
  return {
    aliases,
    hidden,
    strict,
    args: byName(args, ({ required, multiple, options, default: value }) => ({
      required,
      multiple,
      options,
      default: value,
    })),
    flags: byName(flags, (flag) => ({
      char: flag.char,
      type: flag.type,
      aliases: flag.aliases,
      env: flag.env,
      required: flag.required,
      hidden: flag.hidden,
      exclusive: flag.exclusive,
      dependsOn: flag.dependsOn,
      ...(flag.type === 'option'
        ? { multiple: flag.multiple, options: flag.options, default: flag.default }
        : { allowNo: flag.allowNo }),
    })),
  }
}

function byName<T>(items: Record<string, T>, pick: (item: T) => object): object {
  return Object.fromEntries(
    Object.entries(items)
      .map(([name, item]) => [name, pick(item)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
