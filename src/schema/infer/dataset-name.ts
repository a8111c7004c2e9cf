import { basename } from 'node:path'
import { UsageError } from '../../errors.ts'
import { legalName } from './legal-name.ts'

/** Sample files that become one schema. */
export interface SampleSet {
  readonly name: string
  readonly paths: readonly string[]
}

/** All files under one given name, or each file under its own. Throws UsageError where a name is missing or would be taken twice. */
export function sampleSets(paths: readonly string[], name: string | undefined): SampleSet[] {
  const repeated = paths.find((path, i) => paths.indexOf(path) !== i)
  if (repeated) throw new UsageError('the same input is given twice', { where: repeated })
  if (name) return [{ name, paths }]
  const sets = paths.map((path) => ({ name: datasetName(path), paths: [path] }))
  const twice = sets.find((set, i) => sets.findIndex((other) => other.name === set.name) !== i)
  if (twice) {
    throw new UsageError(`two files would both become ${twice.name}.avsc`, {
      where: String(twice.paths[0]),
      next: 'the same command with --name NAME takes all files as samples of one dataset',
    })
  }
  return sets
}

/** `data/flights-200k.json.gz` → flights_200k */
function datasetName(path: string): string {
  if (path === '-') {
    throw new UsageError('a schema from stdin needs a name', { next: 'etl schema gen - --name NAME' })
  }
  const stem = basename(path)
    .replace(/\.(gz|zst)$/i, '')
    .replace(/(.)\.[^.]*$/, '$1')
  return legalName(stem, 'dataset')
}
