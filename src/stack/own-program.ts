import { dirname, extname, join } from 'node:path'
import { isSea } from 'node:sea'

/**
 * Command line that starts `etl` itself with `args`, for a part of the stack that is our own. As in src/threads.ts the three ways
 * of running differ: the single binary, the npm package's bundle (this file is then inside of it), the sources.
 */
export function ownProgram(args: readonly string[]): { command: string; args: string[] } {
  if (isSea()) return { command: process.execPath, args: [...args] }
  const here = import.meta.filename
  const entry =
    extname(here) === '.ts'
      ? join(dirname(here), '..', '..', 'bin', 'dev.ts')
      : join(dirname(here), 'etl.cjs')
  return { command: process.execPath, args: [entry, ...args] }
}
