// Writes V8's compiled code of a wrapped module: node code-cache.ts MODULE CACHE. It is taken after a run of
// `--help`, so that it holds the functions that every start needs. V8 ignores it in any other version.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Script } from 'node:vm'

const [text = '', cache = ''] = process.argv.slice(2)
const script = new Script(readFileSync(text, 'latin1'), { filename: 'program.cjs' })
const module = { exports: {} as { run(argv: string[]): Promise<void> } }
script.runInThisContext()(module.exports, createRequire(import.meta.url), module, 'program.cjs')
await module.exports.run(['--help'])
writeFileSync(cache, script.createCachedData())
