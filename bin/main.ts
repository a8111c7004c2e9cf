// Entry of the bundle, in the npm package as in the single binary. It stays small: `--version` ends here.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { getRawAsset, isSea } from 'node:sea'
import { Script } from 'node:vm'
import pjson from '../package.json' with { type: 'json' }
import { asksForVersion, versionLine } from '../src/cli/version.ts'

/** The rest of the bundle: bin/build/bundle.ts generates it, with the commands as a static table. */
interface ProgramModule {
  run(argv: string[]): Promise<void>
}

type ModuleWrapper = (exports: object, require: NodeJS.Require, module: object, filename: string) => void

const argv = process.argv.slice(2)
const require = createRequire(import.meta.filename)
if (asksForVersion(argv)) process.stdout.write(versionLine(pjson.version))
else
  void (
    isSea() ? programInside() : (require(join(dirname(import.meta.filename), 'program.cjs')) as ProgramModule)
  ).run(argv)

/** The single binary holds the program as text, wrapped as Node wraps a module, and V8's compiled code of it. */
function programInside(): ProgramModule {
  const text = Buffer.from(getRawAsset('program.cjs')).toString('latin1')
  const cachedData = Buffer.from(getRawAsset('program.cache'))
  const wrapper: ModuleWrapper = new Script(text, { filename: 'program.cjs', cachedData }).runInThisContext()
  const module = { exports: {} as ProgramModule }
  wrapper(module.exports, require, module, 'program.cjs')
  return module.exports
}
