// Runs the command line from the sources: node bin/dev.ts COMMAND …
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pjson from '../package.json' with { type: 'json' }
import { type CommandLoader, runProgram } from '../src/cli/program.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const commands = new Map<string, CommandLoader>()
for (const entry of readdirSync(join(root, 'commands'), { recursive: true, encoding: 'utf8' })) {
  if (!entry.endsWith('.ts')) continue
  const id = entry.slice(0, -3).replaceAll(/[/\\]/g, ':')
  commands.set(id, () => import(pathToFileURL(join(root, 'commands', entry)).href))
}
await runProgram(process.argv.slice(2), { pjson, commands, root })
