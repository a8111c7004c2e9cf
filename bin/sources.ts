import { readdirSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import pjson from '../package.json' with { type: 'json' }
import type { CommandLoader, Program } from '../src/cli/program.ts'

export const root = dirname(import.meta.dirname)

/** Command id → file, for every command in commands/; `commands/schema/gen.ts` is `schema:gen`. */
export function commandFiles(): Map<string, string> {
  const folder = join(root, 'commands')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return new Map(files.sort().map((name) => [name.slice(0, -3).replaceAll(sep, ':'), join(folder, name)]))
}

/** The program as the sources define it, without a bundle or a manifest. */
export function programFromSources(): Program {
  const commands = new Map<string, CommandLoader>()
  for (const [id, file] of commandFiles()) commands.set(id, () => import(pathToFileURL(file).href))
  return { pjson, commands, root }
}
