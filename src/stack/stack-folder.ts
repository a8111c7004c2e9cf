import { dirname, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { findStateFile, stateFile } from './state.ts'

/**
 * The folder of the stack that a command means: the named one, else that of the state file which the other
 * commands find (see readStackState), else the current folder.
 */
export function stackDirectory(named?: string): string {
  if (named !== undefined) return resolve(named)
  const file = findStateFile()
  if (file === undefined) return process.cwd()
  const dir = dirname(dirname(file))
  if (file === stateFile(dir)) return dir
  throw new ConfigError('ETL_STACK_STATE does not name the .etl/stack.json of a stack on this machine', {
    where: file,
    next: 'etl stack status --dir FOLDER, with the folder that holds .etl/',
  })
}
