import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { WORKER_ASSET } from '../../src/threads.ts'

/** The marker in every Node executable that postject replaces; Node's documentation, "Single executable applications". */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * Makes `etl` from the bundle in `out`: this very Node (the dev dependency), stripped of its symbols, with
 * the bundle, its compiled code and the worker's source inside.
 */
export function buildBinary(out: string): void {
  const work = join(out, 'sea')
  const binary = join(out, 'etl')
  mkdirSync(work)
  const program = join(work, 'program.cjs')
  const cache = join(work, 'program.cache')
  writeFileSync(program, wrapped(readFileSync(join(out, 'program.cjs'), 'latin1')), 'latin1')
  quietly(process.execPath, [join(import.meta.dirname, 'code-cache.ts'), program, cache])

  const blob = join(work, 'blob')
  const config = join(work, 'sea.json')
  const assets = {
    'program.cjs': program,
    'program.cache': cache,
    [WORKER_ASSET]: join(out, WORKER_ASSET),
  }
  const main = join(out, 'etl.cjs')
  writeFileSync(config, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true, assets }))
  quietly(process.execPath, ['--experimental-sea-config', config])
  copyFileSync(process.execPath, binary)
  chmodSync(binary, 0o755)
  strip(binary)
  quietly(process.execPath, [postject(), binary, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE])
  quietly(binary, ['--version'])
  rmSync(work, { recursive: true })
}

/** As Node wraps a CommonJS module. esbuild writes ASCII only, so that one byte is one character. */
function wrapped(code: string): string {
  return `(function (exports, require, module, __filename, __dirname) {${code}\n})`
}

/** Saves about a tenth of the size; where binutils are missing, the binary is just larger. */
function strip(binary: string): void {
  try {
    quietly('strip', [binary])
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
  }
}

function postject(): string {
  return createRequire(import.meta.url).resolve('postject/dist/cli.js')
}

/** Runs a tool; what it prints is shown only if it fails, as part of the error. */
function quietly(tool: string, args: readonly string[]): void {
  execFileSync(tool, args, { stdio: 'pipe' })
}
