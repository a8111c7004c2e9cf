import { BOUNDS_PER_RECORD } from '../../source/file/bounds.ts'
import { cutChunks } from '../../source/file/chunks.ts'
import type { TextFormat } from '../../source/file/format.ts'
import { type Input, openInput } from '../../source/file/input.ts'
import type { Work } from './work.ts'

/** Work that knows how much of it was given out. */
export interface WorkSource {
  readonly work: AsyncIterable<Work>
  /** 0 to 1; undefined where the end is not known. */
  fractionRead(): number | undefined
  /** Lets go of the input; needed where `work` is never asked for. */
  close(): void
}

export interface FileSourceOptions {
  /** `-` is stdin. */
  readonly paths: readonly string[]
  readonly format: Partial<TextFormat>
  readonly limit: number | undefined
  readonly signal: AbortSignal
}

/**
 * The records of files, one after the other. The first is opened at once, so that a wrong name is told before anything is connected.
 * Throws what openInput throws.
 */
export async function fileSource(options: FileSourceOptions): Promise<WorkSource> {
  const { paths, format, signal } = options
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  let index = 0
  let input: Input | undefined = await openInput(paths[0] as string, format)

  async function* work(): AsyncGenerator<Work> {
    let sequence = 0
    let firstRecord = 0
    for (; index < paths.length && firstRecord < limit && !signal.aborted; index++) {
      input ??= await openInput(paths[index] as string, format)
      for await (const chunk of cutChunks(input, { signal })) {
        const records = Math.min(chunk.bounds.length / BOUNDS_PER_RECORD, limit - firstRecord)
        if (records === 0) continue
        yield { kind: 'chunk', sequence: sequence++, firstRecord, records, chunk }
        firstRecord += records
        if (firstRecord >= limit) break
      }
      input = undefined
    }
  }
  const fractionRead = () => {
    const fraction = input ? input.fractionRead() : 0
    return fraction === undefined ? undefined : (index + fraction) / paths.length
  }
  return { work: work(), fractionRead, close: () => input?.close() }
}

const generatedPerPiece = 2000

/** `count` records to be generated. */
export function generateSource(count: number, signal: AbortSignal): WorkSource {
  return generatedPieces({ from: 0, to: count }, signal, () => undefined)
}

/** Records [from, to) to be generated; `placeOf` gives the place of the piece that has so many records before it. */
export function generatedPieces(
  { from, to }: { from: number; to: number },
  signal: AbortSignal,
  placeOf: (before: number) => Work['place'],
): WorkSource {
  let given = from
  async function* work(): AsyncGenerator<Work> {
    for (let sequence = 0; given < to && !signal.aborted; sequence++) {
      const firstRecord = given
      const records = Math.min(generatedPerPiece, to - firstRecord)
      given += records
      yield { kind: 'generate', sequence, firstRecord, records, place: placeOf(firstRecord) }
    }
  }
  return { work: work(), fractionRead: () => given / to, close: () => undefined }
}
