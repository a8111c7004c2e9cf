import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../../errors.ts'

export type FileOutcome = 'written' | 'unchanged' | 'replaced'

/** What writing `text` to `path` would do. Throws UsageError when another text stands there and `force` is not set. */
export function plannedOutcome(path: string, text: string, force: boolean): FileOutcome {
  const there = readIfThere(path)
  if (there === undefined) return 'written'
  if (there === text) return 'unchanged'
  if (force) return 'replaced'
  throw new UsageError('the schema file exists and is another schema', {
    where: path,
    next: `etl schema diff ${path} NEW shows the differences (write NEW with --out or --stdout); --force replaces it`,
  })
}

/** Writes the file whole or not at all: into a neighbour first, which then takes its place. */
export function writeSchemaFile(path: string, text: string): void {
  const neighbour = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(neighbour, text)
    renameSync(neighbour, path)
  } catch (cause) {
    rmSync(neighbour, { force: true })
    throw new UsageError('the schema file cannot be written', { where: path, cause })
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError('the schema file cannot be read', { where: path, cause })
  }
}
