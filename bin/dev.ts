// Runs the command line from the sources: node bin/dev.ts COMMAND …
import { type Program, runProgram } from '../src/cli/program.ts'
import { asksForVersion, versionLine } from '../src/cli/version.ts'
import { programFromSources } from './sources.ts'

const argv = process.argv.slice(2)
const program = programFromSources()
if (asksForVersion(argv)) process.stdout.write(versionLine(program.pjson.version))
else await runProgram(argv, { ...program, commands: called(program.commands) })

/** Without a manifest every command must be loaded to be listed; the one that is called needs no list. */
function called(commands: Program['commands']): Program['commands'] {
  for (const length of [3, 2, 1]) {
    const id = argv.slice(0, length).join(':')
    const loader = commands.get(id)
    if (loader) return new Map([[id, loader]])
  }
  return commands
}
