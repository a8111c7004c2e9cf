import type { ProduceInput } from '../engine/produce/request.ts'
import { UsageError } from '../errors.ts'
import type { Format } from '../source/file/format.ts'

export interface ProduceInputFlags {
  readonly format?: Format | undefined
  readonly delimiter?: string | undefined
  readonly limit?: number | undefined
  readonly generate?: number | undefined
  readonly seed?: number | undefined
  readonly unique?: string | undefined
  readonly 'on-bad': 'stop' | 'skip'
  readonly 'bad-file'?: string | undefined
}

/** Where the records come from, by arguments and flags that fit together. Throws UsageError for those that don't. */
export function produceInput(files: readonly string[], flags: ProduceInputFlags): ProduceInput {
  const skip = flags['on-bad'] === 'skip'
  if (skip && flags['bad-file'] === undefined) {
    throw new UsageError('records that are skipped need a file to go to', {
      where: '--on-bad skip',
      next: '--bad-file FILE',
    })
  }
  if (!skip && flags['bad-file'] !== undefined) {
    throw new UsageError('a file for bad records is of use only when they are skipped', {
      where: '--bad-file',
      next: '--on-bad skip',
    })
  }
  if (flags.generate !== undefined) {
    if (files.length > 0) {
      throw new UsageError('records come from files or from --generate, not from both', {
        where: '--generate',
      })
    }
    const records = Math.min(flags.generate, flags.limit ?? flags.generate)
    const unique = flags.unique?.split(',').map((field) => field.trim()) ?? []
    return { kind: 'generate', records, seed: flags.seed ?? 1, unique }
  }
  if (files.filter((file) => file === '-').length > 1)
    throw new UsageError('stdin can be read only once', { where: '-' })
  const delimiter = flags.delimiter === '\\t' ? '\t' : flags.delimiter
  if (delimiter !== undefined && !/^[^"\r\n\u0080-\uffff]$/.test(delimiter)) {
    throw new UsageError('the delimiter must be one ASCII character, and no quote', {
      where: '--delimiter',
      next: "--delimiter ';'",
    })
  }
  return {
    kind: 'files',
    paths: files.length === 0 ? ['-'] : files,
    format: {
      ...(flags.format === undefined ? {} : { format: flags.format }),
      ...(delimiter === undefined ? {} : { delimiter }),
    },
    limit: flags.limit,
  }
}
